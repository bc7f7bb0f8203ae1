"""Landmarks -> SPOTER's input: the body relative to the signer's head, each hand relative to itself.

Section 3.2 of Boháček and Hrúz (networks/spoter.py), in the numbers of the published code, which trained the
published weights: it takes the whole distance between the shoulders for the head, where the paper takes half of it.
"""

import numpy as np
from numpy.typing import NDArray

from sign_language.keypoints import BODY, LEFT_HAND, RIGHT_HAND, Landmarks

_NOSE, _NECK, _LEFT_EYE = (BODY.index(name) for name in ("nose", "neck", "leftEye"))
_RIGHT_SHOULDER, _LEFT_SHOULDER = BODY.index("rightShoulder"), BODY.index("leftShoulder")
_MARGIN = 0.1  # around a hand, of its longer side
_POINT = 1e-6  # a box this small, in fractions of the picture, is a point

Points = NDArray[np.float64]
"""(frames, points, 2)"""
Corners = NDArray[np.float64]
"""(frames, 2)"""


def normalise(landmarks: Landmarks) -> Landmarks:
    """(frames, 54, 2) in fractions of the picture -> the network's input; a missing landmark stays at -0.5, -0.5."""
    given = landmarks.astype(np.float64)
    parts = [_body(given[:, : len(BODY)]), _hand(given[:, LEFT_HAND]), _hand(given[:, RIGHT_HAND])]
    return (np.concatenate(parts, axis=1) - 0.5).astype(np.float32)


def _body(points: Points) -> Points:
    """Relative to a box six heads wide and high: around the neck, and upwards from one head below the eyes.

    A frame without shoulders or head uses the box of the last frame that had them; before that it stays as it is.
    """
    found = points[..., 0] != 0
    by_shoulders = found[:, _RIGHT_SHOULDER] & found[:, _LEFT_SHOULDER]
    measured = by_shoulders | (found[:, _NECK] & found[:, _NOSE])
    shoulders = _distance(points[:, _RIGHT_SHOULDER], points[:, _LEFT_SHOULDER])
    head = np.where(by_shoulders, shoulders, _distance(points[:, _NECK], points[:, _NOSE]))
    x, bottom = points[:, _NECK, 0], points[:, _LEFT_EYE, 1] + head
    low = np.stack([x - 3 * head, bottom - 6 * head], axis=-1).clip(min=0)
    high = np.stack([x + 3 * head, bottom], axis=-1).clip(min=0)
    latest = np.maximum.accumulate(np.where(measured, np.arange(len(points)), -1))
    return _within(points, low[latest], high[latest], found & (latest >= 0)[:, None])


def _hand(points: Points) -> Points:
    """Relative to the square around the hand, with a margin on every side."""
    found = points != 0
    least = np.where(found, points, np.inf).min(axis=1)
    most = np.where(found, points, -np.inf).max(axis=1)
    there = np.isfinite(least).all(axis=1)
    least, most = np.where(there[:, None], least, 0), np.where(there[:, None], most, 0)
    longer = (most - least).max(axis=1, keepdims=True)
    margin = _MARGIN * longer + (longer - (most - least)) / 2
    return _within(points, least - margin, most + margin, found[..., 0] & there[:, None])


def _within(points: Points, low: Corners, high: Corners, moved: NDArray[np.bool_]) -> Points:
    """`points` as fractions of the box of their frame, from `low` to `high`, where `moved` says so."""
    size = (high - low)[:, None]
    is_box: NDArray[np.bool_] = np.all(np.abs(size) > _POINT, axis=-1)
    scaled = (points - low[:, None]) / np.where(is_box[..., None], size, 1)
    return np.where((moved & is_box)[..., None], scaled, points)


def _distance(one: Corners, other: Corners) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.hypot(*(one - other).T)
    return distance
