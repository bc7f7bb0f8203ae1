"""What one training is to do: said by the hyperparameters, else by the channel's pipeline.config, else by a default."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from models.labels import Labels, read_labels
from models.object_detection.augment import Augmentation, horizontal_flip
from models.object_detection.fields import Fields
from models.object_detection.framing import Framing
from models.object_detection.geometry import Geometry
from models.object_detection.optimizer import default_optimizer
from models.object_detection.pipeline_config import PIPELINE_CONFIG, PipelineConfig, Resizer, read_pipeline_config
from models.object_detection.train import Hyperparameters
from models.spec import ModelSpec, SpecError
from training.errors import UnusableData

LEAST_SIDE_PX, MOST_SIDE_PX = 64, 2048

_BATCH_PICTURES = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the data and the hyperparameters decide."""

    labels: Labels
    framing: Framing
    steps: int
    batch_pictures: int
    optimizer: keras.optimizers.Optimizer
    augmentations: Sequence[Augmentation]


def read_plan(folder: Path, spec: ModelSpec, chosen: Hyperparameters) -> Plan:
    """The plan for the data in `folder`. Raises UnusableData."""
    try:
        labels = read_labels(spec, folder)
    except SpecError as error:
        raise UnusableData(str(error)) from error
    file = folder / PIPELINE_CONFIG
    config = read_pipeline_config(file) if file.is_file() else None
    given = chosen.model_fields_set
    resizer = Resizer(chosen.image_size, chosen.image_size)
    steps = chosen.num_steps
    if config:
        _refuse_contradiction(config, labels)
        if config.unsupported:
            log.warning("%s: without effect here: %s", PIPELINE_CONFIG, ", ".join(config.unsupported))
        resizer = config.resizer if config.resizer and "image_size" not in given else resizer
        steps = config.num_steps if config.num_steps and "num_steps" not in given else steps
    return Plan(
        labels=labels,
        framing=Framing(Geometry(resizer.height_px, resizer.width_px, len(labels)), resizer.is_letterboxed),
        steps=steps,
        batch_pictures=(config and config.batch_size) or _BATCH_PICTURES,
        optimizer=(config and config.optimizer) or default_optimizer(steps),
        augmentations=config.augmentations if config else [horizontal_flip(Fields({}))],
    )


def _refuse_contradiction(config: PipelineConfig, labels: Labels) -> None:
    """Ids may have gaps, as COCO's: 80 labels up to 90 are then said to be 90 classes."""
    if config.num_classes not in (None, len(labels), max(labels)):
        raise UnusableData(
            f"{PIPELINE_CONFIG} has num_classes {config.num_classes}, and the label map {len(labels)} labels; "
            "correct one of them"
        )
    sides = (config.resizer.height_px, config.resizer.width_px) if config.resizer else ()
    unfit = [side for side in sides if not LEAST_SIDE_PX <= side <= MOST_SIDE_PX]
    if unfit:
        raise UnusableData(
            f"{PIPELINE_CONFIG} resizes to {unfit[0]} pixels; give {LEAST_SIDE_PX} to {MOST_SIDE_PX}, or set image_size"
        )
