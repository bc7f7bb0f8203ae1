"""The trained network as a SavedModel with the signature of the TF Object Detection API.

Everything around the network is in the graph: a picture of any size goes in as it is, boxes come out.
"""

from pathlib import Path

import keras
import tensorflow as tf

from models.labels import Labels
from models.object_detection.decode import decode
from models.object_detection.geometry import Geometry

LABEL_MAP = "label_map.pbtxt"


class ExportedDetector(tf.Module):  # type: ignore[misc]
    """Picture in, detections out, with the ids of `labels`.

    The picture is stretched to the network's size, or with `is_letterboxed` keeps its aspect ratio, amid black margins.
    """

    def __init__(self, network: keras.Model, geometry: Geometry, labels: Labels, *, is_letterboxed: bool) -> None:
        super().__init__()
        self.network = keras.Model(network.input, network.output)  # without the optimizer
        self._geometry = geometry
        self._ids = tuple(labels)
        self._is_letterboxed = is_letterboxed

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, name="input_tensor")])  # type: ignore[untyped-decorator]
    def detect(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        """Boxes [1, n, 4] as ymin, xmin, ymax, xmax in fractions, scores [1, n] best first, classes, how many."""
        side = (self._geometry.height_px, self._geometry.width_px)
        pixels = tf.cast(input_tensor, tf.float32)
        if not self._is_letterboxed:
            return self._decoded(tf.image.resize(pixels, side))
        size = tf.shape(pixels)[1:3]
        share = tf.cast(side, tf.float32) / tf.cast(size, tf.float32)
        inside = tf.maximum(1, tf.cast(tf.round(tf.cast(size, tf.float32) * tf.reduce_min(share)), tf.int32))
        before = (side - inside) // 2
        margins = tf.stack([before, side - inside - before], axis=1)
        framed = tf.pad(tf.image.resize(pixels, inside), tf.concat([[[0, 0]], margins, [[0, 0]]], axis=0))
        return self._out_of_margins(self._decoded(tf.ensure_shape(framed, [1, *side, 3])), before, inside)

    def _decoded(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        cells = self.network(pixels / 127.5 - 1, training=False)[0]
        return decode(tf.sigmoid(cells[..., :-4]), cells[..., -4:], self._geometry, self._ids)

    def _out_of_margins(
        self, found: dict[str, tf.Tensor], before: tf.Tensor, inside: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The boxes in fractions of the picture instead of what it lies in."""
        shift, scale = (tf.cast(tf.tile(pair, [2]), tf.float32) for pair in (before, inside))
        boxes = (found["detection_boxes"] * tf.constant(self._geometry.scale_px, tf.float32) - shift) / scale
        return found | {"detection_boxes": tf.clip_by_value(boxes, 0.0, 1.0)}


def export(detector: ExportedDetector, labels: Labels, folder: Path) -> None:
    """Writes the SavedModel and its label map to `folder`."""
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.detect})
    (folder / LABEL_MAP).write_text(label_map(labels), encoding="utf-8")


def label_map(labels: Labels) -> str:
    """`labels` as protocol buffer text."""
    escaped = {number: name.replace("\\", "\\\\").replace('"', '\\"') for number, name in labels.items()}
    return "".join(f'item {{\n  id: {number}\n  name: "{name}"\n}}\n' for number, name in escaped.items())
