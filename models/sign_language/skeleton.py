"""Arms and hands in three dimensions: from where a hand is to all of its landmarks.

Every array has a first axis of frames. The axes are those of signs.py: x outwards, y up, z forwards.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KNUCKLES_FROM_WRIST = 0.5  # of a hand's length
_SHOULDER = np.array([0.5, 0.0, 0.0])
_ELBOW_TENDS = np.array([0.55, -1.0, -0.35])  # an arm hangs from the shoulder, a little away from the body
_REACH = 0.98  # of a straight arm

# Of a hand's length: how far along the hand and towards the thumb a finger begins, and its three bones.
_FINGERS = (
    (0.50, 0.15, (0.24, 0.14, 0.11)),  # index
    (0.52, 0.04, (0.27, 0.16, 0.11)),
    (0.49, -0.06, (0.25, 0.15, 0.11)),
    (0.44, -0.15, (0.19, 0.11, 0.10)),  # little
)
_BENDS = np.radians([75, 100, 65])  # of each joint of a finger that is bent all the way
_SPREADS = (1.0, 0.25, -0.5, -1.2)
_THUMB_BONES = (0.22, 0.17, 0.13)
_THUMB_BEGIN = (0.12, 0.14)
_THUMB_STRAIGHT = np.array([0.55, 0.83, 0.1])  # along the hand, to its thumb's side, to its palm
_THUMB_BENT = np.array([0.55, -0.6, 0.55])


def unit(vectors: Floats) -> Floats:
    """`vectors`, each of length 1."""
    lengths: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-9)


def arm(wrist: Floats, upper: float, fore: float) -> tuple[Floats, Floats]:
    """Elbow and wrist, (frames, 3) each, for a wrist that wants to be at `wrist`; the arm may be too short for it."""
    span = wrist - _SHOULDER
    farthest = _REACH * (upper + fore)
    distance = np.linalg.norm(span, axis=-1, keepdims=True).clip(abs(upper - fore) + 0.01, farthest)
    along = unit(span)
    across = unit(_ELBOW_TENDS - along * (along @ _ELBOW_TENDS)[:, None])
    share = ((upper**2 + distance**2 - fore**2) / (2 * upper * distance)).clip(-1, 1)
    elbow = _SHOULDER + upper * (along * share + across * np.sqrt(1 - share**2))
    return elbow, _SHOULDER + along * distance


def hand(pointing: Floats, palm: Floats, bent: Floats, spread: Floats) -> Floats:
    """The 21 landmarks (frames, 21, 3) of a hand of length 1, from its wrist, in SPOTER's order.

    `pointing` and `palm` are directions (frames, 3), `bent` is (frames, 5), `spread` (frames,).
    """
    along = unit(pointing)
    facing = unit(palm - along * (palm * along).sum(-1, keepdims=True))
    axes = np.stack([along, -np.cross(along, facing), facing], axis=1)
    points = [np.zeros_like(along)]
    for finger, (begin, sideways, bones) in enumerate(_FINGERS):
        points += _finger(begin, sideways, bones, bent[:, finger + 1], spread * _SPREADS[finger])
    points += _thumb(bent[:, 0])
    landmarks: Floats = np.einsum("fpa,fax->fpx", np.stack(points, axis=1), axes)
    return landmarks


def _finger(begin: float, sideways: float, bones: tuple[float, ...], bent: Floats, spread: Floats) -> list[Floats]:
    """Tip, last joint, middle joint and knuckle, each (frames, 3): along the hand, to the thumb, to the palm."""
    joint = np.stack([np.full_like(bent, begin), np.full_like(bent, sideways), np.zeros_like(bent)], axis=-1)
    chain, angle = [joint], np.zeros_like(bent)
    for bone, bend in zip(bones, _BENDS, strict=True):
        angle = angle + bend * bent
        flat = np.cos(angle)
        step = np.stack([flat * np.cos(spread), flat * np.sin(spread), np.sin(angle)], axis=-1)
        chain.append(chain[-1] + bone * step)
    return chain[::-1]


def _thumb(bent: Floats) -> list[Floats]:
    """Tip to base, in the same terms."""
    chain = [np.broadcast_to(np.array([*_THUMB_BEGIN, 0.0]), (len(bent), 3))]
    for number, bone in enumerate(_THUMB_BONES, start=1):
        share = (bent * number / 2).clip(0, 1)[:, None]
        chain.append(chain[-1] + bone * unit(_THUMB_STRAIGHT * (1 - share) + _THUMB_BENT * share))
    return chain[::-1]
