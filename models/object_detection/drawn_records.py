"""Drawn scenes as the TF Object Detection API keeps its data: TFRecords in shards, a label map, a pipeline.config."""

import io
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from models.object_detection.dataset import INPUT_SIDE_PX, LABELS, Split, draw_scenes
from models.object_detection.export import LABEL_MAP, label_map
from models.object_detection.pipeline_config import PIPELINE_CONFIG
from models.object_detection.scenes import Scene

VALIDATION_SHARE = 5  # one scene in so many
STEPS = 900
"""Six passes over 1200 scenes, the fewest that show a detector: it has found little after a hundred steps."""

_SHARDS = 2
_JPEG_QUALITY = 92
_CONFIG = f"""\
model {{
  center_net {{
    num_classes: {len(LABELS)}
    image_resizer {{ fixed_shape_resizer {{ height: {INPUT_SIDE_PX} width: {INPUT_SIDE_PX} }} }}
  }}
}}
train_config {{
  batch_size: 8
  num_steps: {STEPS}
  # No optimizer: the one that is taken then fits its learning rate to num_steps.
  data_augmentation_options {{ random_horizontal_flip {{ }} }}
  data_augmentation_options {{ random_adjust_brightness {{ max_delta: 0.1 }} }}
  data_augmentation_options {{ random_adjust_saturation {{ min_delta: 0.5 max_delta: 1.5 }} }}
}}
"""


def write_drawn(folder: Path, count: int, seed: int) -> None:
    """Writes `count` scenes to `folder`, a fifth of them for validation."""
    folder.mkdir(parents=True, exist_ok=True)
    validation = max(1, count // VALIDATION_SHARE)
    _write_shards(folder, "train", count - validation, Split.TRAINING, seed)
    _write_shards(folder, "val", validation, Split.HELD_OUT, seed)
    (folder / LABEL_MAP).write_text(label_map(LABELS), encoding="utf-8")
    (folder / PIPELINE_CONFIG).write_text(_CONFIG, encoding="utf-8")


def _write_shards(folder: Path, name: str, count: int, split: Split, seed: int) -> None:
    files = [str(folder / f"{name}.record-{number:05d}-of-{_SHARDS:05d}") for number in range(_SHARDS)]
    writers = [tf.io.TFRecordWriter(file) for file in files]
    for number, scene in enumerate(draw_scenes(count, split, seed)):
        writers[number % _SHARDS].write(example_of(scene).SerializeToString())
    for writer in writers:
        writer.close()


def example_of(scene: Scene) -> tf.train.Example:
    """The scene with the features of the TF Object Detection API."""
    encoded = io.BytesIO()
    Image.fromarray(scene.image).save(encoded, "JPEG", quality=_JPEG_QUALITY)
    edges = dict(zip(("ymin", "xmin", "ymax", "xmax"), scene.boxes.T, strict=True))
    names = [LABELS[number].encode() for number in scene.classes.tolist()]
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                "image/encoded": _bytes(encoded.getvalue()),
                "image/format": _bytes(b"jpeg"),
                "image/height": _whole(np.array(scene.image.shape[:1])),
                "image/width": _whole(np.array(scene.image.shape[1:2])),
                "image/object/class/label": _whole(scene.classes),
                "image/object/class/text": _bytes(*names),
            }
            | {f"image/object/bbox/{edge}": _floats(values) for edge, values in edges.items()}
        )
    )


def _bytes(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _whole(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values.tolist()))


def _floats(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values.tolist()))
