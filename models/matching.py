"""Which detections are right, and the curve that follows: what every measure of a detector needs. No framework does.

PASCAL VOC's rule (Everingham et al., IJCV 111, 2015, doi:10.1007/s11263-014-0733-5, section 4.2.1): best first, a
detection is right when it overlaps a box that no better one has taken with an IoU of at least 0.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_IOU = 0.5
SHOWN_SCORE = 0.3
"""From here on a detection is worth being looked at; the server's default threshold too."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall of one class, as the score to accept falls; `objects` is how many there were to find."""

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    objects: int

    @property
    def average_precision(self) -> float:
        """The area under the interpolated curve; 0 where nothing was found."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def right(to_find: NDArray[np.float32], boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of `boxes` [n, 4], of one picture and one class, are right about those `to_find` [m, 4]: [n]."""
    return matches(to_find, boxes, scores) >= 0


def matches(to_find: NDArray[np.float32], boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """For each of `boxes` [n, 4] the place of the one to find that it is right about, or -1: [n]."""
    places = np.full(len(boxes), -1)
    if not len(to_find):
        return places
    overlap, free = iou(boxes, to_find), np.ones(len(to_find), np.bool_)
    for at in np.argsort(-scores, kind="stable"):
        best = int(overlap[at].argmax())
        if overlap[at, best] >= LEAST_IOU and free[best]:
            places[at], free[best] = best, False
    return places


def iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union [n, m] of boxes [n, 4] and [m, 4], whose first two numbers are their lower corner."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=-1)
    areas, others = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (one, other))
    union = areas[:, None] + others[None, :] - shared
    ratio: NDArray[np.float32] = shared / np.maximum(union, np.finfo(np.float32).tiny)
    return ratio
