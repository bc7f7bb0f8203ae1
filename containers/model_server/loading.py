"""A model folder -> a Predictor that is ready. The folder is looked at first, and nothing is imported in its name that
is no container.
"""

import logging
import re
import tomllib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_server.engines import NATIVE, WEIGHTS, EngineError, UnsupportedModel, choose_engine
from model_server.folder import SPEC_FILE, check_folder
from model_server.logs import fields, reason

if TYPE_CHECKING:
    from model_server.predictor import Predictor

_SCRIPTED = "pytorch_script"  # models.spec has these two too, but is imported only while the engine loads
_CONTAINER_NAME = r"[a-z][a-z0-9_]*"
_INFERENCE = "inference"

log = logging.getLogger(__name__)


def load_predictor(model_dir: Path, engine_name: str, in_flight: Callable[[], int] = lambda: 1) -> "Predictor":
    """The model in `model_dir`, warmed up. `in_flight` counts the requests at work.

    OpenVINO gives way to the model's own framework where it refuses an operation, with one warning.
    Raises SpecError, EngineError, ModelUnusable.
    """
    check_folder(model_dir)
    container = _container(model_dir)
    engine_name = _framework(model_dir) if engine_name == NATIVE else engine_name
    try:
        predictor = _load(model_dir, engine_name, container, in_flight)
    except UnsupportedModel as refusal:
        engine_name = _framework(model_dir)
        try:
            predictor = _load(model_dir, engine_name, container, in_flight)
        except EngineError as error:
            raise EngineError(f"{refusal}; {error}") from error
        log.warning("OpenVINO refuses this model", extra=fields(reason=reason(refusal), instead=engine_name))
    model, engine = predictor.spec.model, None if container == _SCRIPTED else engine_name
    log.info("ready", extra=fields(model=model.name, version=model.version, engine=engine))
    return predictor


def _load(model_dir: Path, engine_name: str, container: str, in_flight: Callable[[], int]) -> "Predictor":
    engine = None if container == _SCRIPTED else choose_engine(engine_name, in_flight)
    if engine is not None:
        engine.load(model_dir)

    from models.labels import read_labels  # noqa: PLC0415
    from models.spec import read_spec  # noqa: PLC0415

    spec = read_spec(model_dir / SPEC_FILE)
    if engine is not None:
        engine.precision = spec.model.precision
    predictor: Predictor = _build_of(container)(spec, read_labels(spec, model_dir), engine, model_dir)
    predictor.warm_up()
    return predictor


def _framework(model_dir: Path) -> str:
    return "pytorch" if (model_dir / WEIGHTS).is_file() else "tensorflow"


def _container(model_dir: Path) -> str:
    """What model.toml names, read before the file is checked; a fault in it is told when it is.

    Raises EngineError for the name of a module that is no container: importing one runs it.
    """
    try:
        table = tomllib.loads((model_dir / SPEC_FILE).read_text(encoding="utf-8"))["model"]
        container = str(table["container"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    named = find_spec(container) if re.fullmatch(_CONTAINER_NAME, container) else None
    if named and not any(_is_container(Path(place)) for place in named.submodule_search_locations or ()):
        raise EngineError(f'{SPEC_FILE}: model.container: "{container}" is no folder of containers/; name one')
    return container


def _is_container(folder: Path) -> bool:
    own = any((folder / name).exists() for name in (f"{_INFERENCE}.py", "networks"))
    return own or folder.parent == Path(__file__).parents[1]


def _build_of(container: str) -> Callable[..., Any]:
    """The container's own `build`, or the standard classifier's."""
    named = find_spec(container)
    places = (named and named.submodule_search_locations) or ()
    own = any((Path(place) / f"{_INFERENCE}.py").is_file() for place in places)
    build: Callable[..., Any] = import_module(f"{container}.{_INFERENCE}" if own else "model_server.classifier").build
    return build
