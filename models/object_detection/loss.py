"""How wrong the network is about a batch: the objects it missed or invented, and the boxes it put elsewhere."""

import tensorflow as tf

from models.object_detection.network import REACH_PX

_BOX_WEIGHT = 2.0


def detection_loss(target: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
    """Focal loss of the heat and generalised IoU loss of the boxes, per object in the batch.

    The heat's is equation 1 of CenterNet (Zhou et al. 2019, arXiv:1904.07850) with alpha 2 and beta 4; the boxes'
    is Rezatofighi et al. (CVPR 2019, arXiv:1902.09630).
    """
    heat, logits = target[..., :-5], cells[..., :-4]
    likely = tf.sigmoid(logits)
    is_middle = tf.cast(heat >= 1.0, tf.float32)
    found = is_middle * (1 - likely) ** 2 * tf.nn.softplus(-logits)
    invented = (1 - is_middle) * (1 - heat) ** 4 * likely**2 * tf.nn.softplus(logits)
    objects = tf.maximum(tf.reduce_sum(is_middle), 1.0)
    raw = tf.clip_by_value(cells[..., -4:], -4.0, 3.0)
    overlap = _generalised_iou(target[..., -5:-1], REACH_PX * tf.exp(raw))
    misplaced = tf.reduce_sum(target[..., -1] * (1 - overlap))
    return (tf.reduce_sum(found + invented) + _BOX_WEIGHT * misplaced) / objects


def _generalised_iou(true: tf.Tensor, said: tf.Tensor) -> tf.Tensor:
    """Of two boxes around the same point, each as distances (left, top, right, bottom)."""
    inner, outer = tf.minimum(true, said), tf.maximum(true, said)
    shared, hull = _area(inner), _area(outer)
    union = _area(true) + _area(said) - shared
    return shared / union - (hull - union) / hull


def _area(distances: tf.Tensor) -> tf.Tensor:
    left, top, right, bottom = tf.unstack(distances, axis=-1)
    return (left + right) * (top + bottom) + 1e-6
