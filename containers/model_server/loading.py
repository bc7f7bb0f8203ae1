"""A model folder -> a Classifier that is ready, in the order that makes a cold start short.

The engine comes first: it reads the network outside the interpreter, while this and the main thread import the rest.
"""

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from model_server.engines import choose_engine

if TYPE_CHECKING:
    from model_server.classifier import Classifier


def load_classifier(model_dir: Path, engine_name: str, imported: Event | None = None) -> "Classifier":
    """The model in `model_dir`, warmed up; sets `imported` once the engine is.

    Raises SpecError, EngineError, ModelUnusable.
    """
    engine = choose_engine(engine_name)
    if imported is not None:
        imported.set()
    engine.load(model_dir)

    from model_server.classifier import Classifier  # noqa: PLC0415
    from models.spec import read_spec  # noqa: PLC0415

    classifier = Classifier(read_spec(model_dir / "model.toml"), engine)
    classifier.warm_up()
    return classifier
