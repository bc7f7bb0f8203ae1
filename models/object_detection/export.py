"""The trained network as a SavedModel with the signature of the TF Object Detection API.

Everything around the network is in the graph: a picture of any size goes in as it is, boxes come out. The operations
have fixed shapes and are all known to OpenVINO; TensorFlow's own NonMaxSuppression has an output of varying length.
"""

from pathlib import Path

import keras
import tensorflow as tf

from models.object_detection.dataset import INPUT_SIDE_PX
from models.object_detection.network import GRID, REACH_PX, STRIDE_PX
from models.object_detection.shapes import KINDS

DETECTIONS = 50
LABEL_MAP = "label_map.pbtxt"

_SAME_OBJECT_IOU = 0.55  # two boxes of one class that overlap more are one object
_SAME_PLACE_IOU = 0.8  # two of different classes that overlap more are one object that could be either


class ExportedDetector(tf.Module):  # type: ignore[misc]
    """Picture in, detections out."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = keras.Model(network.inputs, network.outputs)  # without the optimizer

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, name="input_tensor")])  # type: ignore[untyped-decorator]
    def detect(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        """Boxes [1, n, 4] as ymin, xmin, ymax, xmax in fractions, scores [1, n] best first, classes, how many."""
        side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
        pixels = tf.image.resize(tf.cast(input_tensor, tf.float32), side) / 127.5 - 1
        cells = self.network(pixels, training=False)[0]
        heat, boxes = tf.sigmoid(cells[..., : len(KINDS)]), _boxes(cells[..., len(KINDS) :])
        scores, at = tf.math.top_k(tf.reshape(_peaks(heat), [-1]), DETECTIONS)
        boxes, classes = tf.gather(boxes, at // len(KINDS)), tf.cast(at % len(KINDS), tf.float32) + 1
        scores, best_first = tf.math.top_k(_without_repeats(boxes, scores, classes), DETECTIONS)
        return {
            "detection_boxes": tf.gather(boxes, best_first)[None],
            "detection_scores": scores[None],
            "detection_classes": tf.gather(classes, best_first)[None],
            "num_detections": tf.reduce_sum(tf.cast(scores > 0, tf.float32), keepdims=True),
        }


def export(network: keras.Model, folder: Path) -> None:
    """Writes the SavedModel and its label map to `folder`."""
    detector = ExportedDetector(network)
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.detect})
    items = (f'item {{\n  id: {number}\n  name: "{kind}"\n}}\n' for number, kind in enumerate(KINDS, 1))
    (folder / LABEL_MAP).write_text("".join(items))


def _boxes(raw: tf.Tensor) -> tf.Tensor:
    """Raw distances [32, 32, 4] -> boxes [32 * 32, 4], inside the picture."""
    centres = (tf.range(GRID, dtype=tf.float32) + 0.5) * STRIDE_PX
    x, y = tf.meshgrid(centres, centres)
    left, top, right, bottom = tf.unstack(REACH_PX * tf.exp(tf.clip_by_value(raw, -4.0, 3.0)), axis=-1)
    corners = tf.stack([y - top, x - left, y + bottom, x + right], axis=-1)
    return tf.reshape(tf.clip_by_value(corners / INPUT_SIDE_PX, 0.0, 1.0), [-1, 4])


def _peaks(heat: tf.Tensor) -> tf.Tensor:
    """The heat [32, 32, kinds] where no neighbour is hotter, elsewhere 0."""
    hottest = tf.nn.max_pool2d(heat[None], 3, 1, "SAME")[0]
    return heat * tf.cast(heat >= hottest, tf.float32)


def _without_repeats(boxes: tf.Tensor, scores: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """The scores, 0 for a box that lies on a better one: Fast NMS (YOLACT, arXiv:1904.02689, section 3.3)."""
    low = tf.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = tf.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = tf.reduce_prod(tf.maximum(high - low, 0.0), axis=-1)
    areas = tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    overlap = shared / (areas[:, None] + areas[None, :] - shared + 1e-9)
    most = tf.where(tf.equal(classes[:, None], classes[None, :]), _SAME_OBJECT_IOU, _SAME_PLACE_IOU)
    ranks = tf.range(DETECTIONS)
    repeats = tf.logical_and(ranks[:, None] < ranks[None, :], overlap > most)
    return scores * (1 - tf.reduce_max(tf.cast(repeats, tf.float32), axis=0))
