"""Trains on photographs in folders with_mask and without_mask, by the contract of training/.

make train MODEL=face-mask DATA=FOLDER
"""

from collections.abc import Sequence
from pathlib import Path

from models.spec import read_spec
from training.classifier import ClassifierJob, train_classifier
from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.augmentation import Augmentation
from training.data.examples import Example
from training.job import Job
from training.network import Network

_SPEC_FILE = Path(__file__).parent / "model.toml"
_DRAWN_IMAGES = 1200
_AUGMENTATION = Augmentation(mirror=True, shift=0.05, brightness=0.15)


class Hyperparameters(ClassifierHyperparameters):
    """Those of every classifier; the defaults suit the small residual network."""


def train(job: Job[Hyperparameters]) -> Sequence[Example[int]]:
    """Writes the SavedModel to job.model_dir; gives what it was judged by. Raises TrainingError, Interrupted."""
    return train_classifier(job, _AUGMENTATION, _network)


def _network(job: ClassifierJob, checkpoint: Path | None) -> Network:
    from models.face_mask.network import build_network  # noqa: PLC0415
    from training.keras_network import KerasNetwork  # noqa: PLC0415

    return KerasNetwork(job, lambda: build_network(len(job.model.labels)), checkpoint)


def draw(folder: Path, seed: int) -> None:
    """Draws a few hundred portraits, with a progress bar."""
    from models.face_mask.dataset import Split, draw_dataset  # noqa: PLC0415
    from training.data.drawn import write_image_folder  # noqa: PLC0415

    drawn = draw_dataset(_DRAWN_IMAGES, Split.TRAINING, seed)
    write_image_folder(folder, drawn.photos, drawn.labels, tuple(read_spec(_SPEC_FILE).model.labels))
