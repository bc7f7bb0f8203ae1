"""Trains on pictures in a folder for each label: the pattern to put your own network into.

    make train MODEL=my-model DATA=FOLDER

Without DATA it learns shapes that it draws. docs/training.md says what else it may be given, and how SageMaker runs it.
"""

from collections.abc import Sequence
from pathlib import Path

from training.classifier import ClassifierJob, train_classifier
from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.augmentation import Augmentation
from training.data.examples import Example
from training.job import Job
from training.network import Network

_DRAWN = 4000
_AUGMENTATION = Augmentation(mirror=True, turn_over=True)  # what leaves a label as it is


class Hyperparameters(ClassifierHyperparameters):
    """Those of every classifier; give a field here another default, or add one."""


def train(job: Job[Hyperparameters]) -> Sequence[Example[int]]:
    """Writes the SavedModel to job.model_dir; gives what it was judged by. Raises TrainingError, Interrupted."""
    return train_classifier(job, _AUGMENTATION, _network)


def _network(job: ClassifierJob, checkpoint: Path | None) -> Network:
    from template.network import build_network  # noqa: PLC0415 it brings TensorFlow
    from training.keras_network import KerasNetwork  # noqa: PLC0415

    side, _ = job.model.spec.input.size or (0, 0)
    return KerasNetwork(job, lambda: build_network(side, len(job.model.labels)), checkpoint)


def draw(folder: Path, seed: int) -> None:
    """Draws shapes, for a first training without pictures of your own."""
    from template.shapes import LABELS, draw_dataset  # noqa: PLC0415
    from training.data.drawn import write_image_folder  # noqa: PLC0415

    write_image_folder(folder, *draw_dataset(_DRAWN, seed), LABELS)
