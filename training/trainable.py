"""Which models can be trained: those with a train.py, which has

class Hyperparameters(training.hyperparameters.Hyperparameters)
def train(job: Job[Hyperparameters]) -> Sequence[Example]   writes the artifact to job.model_dir; gives what it was
                                                            judged by, for the report, or nothing
def draw(folder: Path, seed: int) -> None                   demonstration data, where a person has none at hand
"""

from importlib import import_module
from types import ModuleType

from models.archive import SPEC_NAME
from models.registry import ROOT, Model
from models.spec import SpecError, read_spec
from training.errors import InvalidConfiguration


def trainable(name: str) -> tuple[Model, ModuleType]:
    """The model `name` and its train.py. Raises InvalidConfiguration."""
    folder = ROOT / "models" / name.replace("-", "_")
    known = sorted(file.parent.name.replace("_", "-") for file in (ROOT / "models").glob("*/train.py"))
    if name not in known:
        raise InvalidConfiguration(f"{name!r} is no model with a train.py; name one of {', '.join(known)}")
    try:
        model = Model(read_spec(folder / SPEC_NAME), folder)
    except SpecError as error:
        raise InvalidConfiguration(str(error)) from error
    return model, import_module(f"models.{folder.name}.train")
