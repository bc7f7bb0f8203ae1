"""What the network says of each cell -> the boxes in the picture, best first, in operations of fixed shape.

OpenVINO knows them all; TensorFlow's own NonMaxSuppression has an output of varying length.
"""

from collections.abc import Sequence

import tensorflow as tf

from models.object_detection.geometry import STRIDE_PX, Geometry
from models.object_detection.network import REACH_PX

DETECTIONS = 50

_SAME_OBJECT_IOU = 0.55  # two boxes of one class that overlap more are one object
_SAME_PLACE_IOU = 0.8  # two of different classes that overlap more are one object that could be either


def decode(heat: tf.Tensor, raw: tf.Tensor, geometry: Geometry, ids: Sequence[int]) -> dict[str, tf.Tensor]:
    """Heat [rows, columns, classes] in 0..1 and raw distances [rows, columns, 4] of one picture -> the API's outputs.

    `ids` are those of the label map in the order of the classes. Boxes [1, n, 4] are ymin, xmin, ymax, xmax in
    fractions of the network's input.
    """
    scores, at = tf.math.top_k(tf.reshape(_peaks(heat), [-1]), DETECTIONS)
    boxes, kinds = tf.gather(_boxes(raw, geometry), at // len(ids)), at % len(ids)
    classes = tf.gather(tf.constant(ids, tf.float32), kinds)
    scores, best_first = tf.math.top_k(_without_repeats(boxes, scores, classes), DETECTIONS)
    return {
        "detection_boxes": tf.gather(boxes, best_first)[None],
        "detection_scores": scores[None],
        "detection_classes": tf.gather(classes, best_first)[None],
        "num_detections": tf.reduce_sum(tf.cast(scores > 0, tf.float32), keepdims=True),
    }


def _boxes(raw: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Raw distances [rows, columns, 4] -> boxes [rows * columns, 4], inside the picture."""
    down, across = ((tf.range(cells, dtype=tf.float32) + 0.5) * STRIDE_PX for cells in geometry.grid)
    x, y = tf.meshgrid(across, down)
    left, top, right, bottom = tf.unstack(REACH_PX * tf.exp(tf.clip_by_value(raw, -4.0, 3.0)), axis=-1)
    corners = tf.stack([y - top, x - left, y + bottom, x + right], axis=-1)
    return tf.reshape(tf.clip_by_value(corners / tf.constant(geometry.scale_px, tf.float32), 0.0, 1.0), [-1, 4])


def _peaks(heat: tf.Tensor) -> tf.Tensor:
    """The heat where no neighbour is hotter, elsewhere 0."""
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
