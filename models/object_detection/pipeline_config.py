"""What a pipeline.config of the TF Object Detection API says that this training can do, and what it cannot.

Fields that nothing here asks for are unsupported: they are named in one warning, and change nothing.
https://github.com/tensorflow/models/tree/master/research/object_detection/protos
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from models.object_detection.augment import Augmentation, read_augmentations
from models.object_detection.fields import Fields
from models.object_detection.optimizer import read_optimizer
from models.object_detection.text_proto import NotTextProto, parse
from training.errors import UnusableData

PIPELINE_CONFIG = "pipeline.config"


@dataclass(frozen=True, slots=True)
class Resizer:
    """To which height and width a picture is brought; letterboxed it keeps its aspect ratio amid black margins."""

    height_px: int
    width_px: int
    is_letterboxed: bool = False


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """None, or an empty list of augmentations, for what the file does not say."""

    num_classes: int | None
    resizer: Resizer | None
    batch_size: int | None
    num_steps: int | None
    optimizer: keras.optimizers.Optimizer | None
    augmentations: Sequence[Augmentation]
    unsupported: Sequence[str]


def read_pipeline_config(file: Path) -> PipelineConfig:
    """The content of `file`. Raises UnusableData."""
    try:
        fields = Fields(parse(file.read_text(encoding="utf-8")))
        config = _read(fields)
    except (NotTextProto, UnicodeDecodeError) as error:
        raise UnusableData(f"{file.name}: {error}; it should be protocol buffer text") from error
    except ValueError as error:
        raise UnusableData(f"{file.name}: {error}") from error
    return config


def _read(fields: Fields) -> PipelineConfig:
    architecture = next(iter(fields.child("model").children()), Fields({}))
    training = fields.child("train_config")
    return PipelineConfig(
        num_classes=architecture.whole("num_classes"),
        resizer=_resizer(architecture.child("image_resizer")),
        batch_size=training.whole("batch_size"),
        num_steps=training.whole("num_steps"),
        optimizer=read_optimizer(training.child("optimizer")),
        augmentations=read_augmentations(training.named("data_augmentation_options")),
        unsupported=tuple(fields.unread()),
    )


def _resizer(fields: Fields) -> Resizer | None:
    if fields.has("fixed_shape_resizer"):
        fixed = fields.child("fixed_shape_resizer")
        return Resizer(fixed.whole("height") or 300, fixed.whole("width") or 300)
    if fields.has("keep_aspect_ratio_resizer"):
        kept = fields.child("keep_aspect_ratio_resizer")
        kept.flag("pad_to_max_dimension")  # always so here: the network has one size
        side_px = kept.whole("max_dimension") or 1024
        return Resizer(side_px, side_px, is_letterboxed=True)
    return None
