"""Trains on slices in folders no and yes, by the contract of training/.

make train MODEL=brain-tumor DATA=FOLDER
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from models.artifact import WEIGHTS
from models.spec import read_spec
from training.classifier import ClassifierJob, train_classifier
from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.augmentation import Augmentation
from training.data.examples import Example
from training.job import Job
from training.network import Network

_SPEC_FILE = Path(__file__).parent / "model.toml"
_DRAWN_IMAGES = 240
_AUGMENTATION = Augmentation(mirror=True, shift=0.05, brightness=0.1)
_RATES = {"patch": 0.4, "sa.": 0.4, "fc.": 0.06, "": 1.0}  # of the learning rate: the more inputs, the smaller
_FROM_A_CHECKPOINT = 0.1  # of these: the whole rate undoes in an epoch what the weights know


class Hyperparameters(ClassifierHyperparameters):
    """Those of every classifier; the defaults suit convolutions with attention."""

    batch_size: Annotated[int, Field(ge=1, le=4096, description="Slices in a step.")] = 16
    learning_rate: Annotated[
        float, Field(gt=0, le=1, description="Of AdamW at its highest; with a checkpoint a tenth.")
    ] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Of AdamW.")] = 0.02


def train(job: Job[Hyperparameters]) -> Sequence[Example[int]]:
    """Writes weights.pth, model.xml and model.bin to job.model_dir; gives what it was judged by.

    Raises TrainingError, Interrupted.
    """
    return train_classifier(job, _AUGMENTATION, _network)


def _network(job: ClassifierJob, checkpoint: Path | None) -> Network:
    from training.torch_network import TorchNetwork  # noqa: PLC0415

    share = _FROM_A_CHECKPOINT if checkpoint else 1.0
    return TorchNetwork(job, {name: share * rate for name, rate in _RATES.items()}, checkpoint)


def draw(folder: Path, seed: int) -> None:
    """Draws a few hundred slices, with a progress bar, and lays out the artifact's weights to go on from.

    Those weights have learnt the slices of `seed`, and are judged by those of the one after the next.
    """
    from models.brain_tumor.dataset import draw_dataset  # noqa: PLC0415
    from training.data.drawn import write_image_folder  # noqa: PLC0415

    model = read_spec(_SPEC_FILE).model
    drawn = draw_dataset(_DRAWN_IMAGES, seed + 1, "slices")
    weights = _SPEC_FILE.parent / model.artifact / WEIGHTS
    write_image_folder(
        folder, drawn.slices, drawn.labels, tuple(model.labels), checkpoint=weights if weights.is_file() else None
    )
