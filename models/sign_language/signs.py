"""Twenty signs as motions of hands: inspired by signs of that meaning, and true to no sign language.

Everything is said of the right hand, in the signer's own terms: x outwards to that hand's side, y up, z forwards, in
distances between the shoulders, from the point between them. The left hand is the mirror image.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

Vector = tuple[float, float, float]

UP, DOWN, FORWARD, BACK, OUT, IN = (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0)

FOREHEAD, TEMPLE, MOUTH, CHIN = (0.1, 0.98, 0.4), (0.32, 0.88, 0.3), (0.02, 0.58, 0.45), (0.02, 0.45, 0.45)
CHEST, SIDE, LAP = (0.0, -0.15, 0.3), (0.4, 0.15, 0.5), (0.45, -1.3, 0.3)


@dataclass(frozen=True, slots=True)
class Shape:
    """How far each finger is bent, 0 to 1: thumb, index, middle, ring, little; and how far they are spread."""

    bent: tuple[float, float, float, float, float]
    spread: float = 0.0


FLAT = Shape((0.35, 0, 0, 0, 0))
OPEN = Shape((0, 0, 0, 0, 0), 0.35)
RELAXED = Shape((0.3, 0.3, 0.35, 0.4, 0.4), 0.1)
FIST = Shape((0.9, 1, 1, 1, 1))
POINT = Shape((0.8, 0, 1, 1, 1))
TWO = Shape((0, 0, 0, 1, 1), 0.1)
TWO_CLOSED = Shape((0.6, 0.65, 0.65, 1, 1))
THREE = Shape((0.9, 0, 0, 0, 1), 0.3)
HORNS = Shape((0, 1, 1, 1, 0), 0.3)
CUP = Shape((0.4, 0.45, 0.45, 0.45, 0.45))
BUNCH = Shape((0.55, 0.55, 0.55, 0.55, 0.55))
THUMB_UP = Shape((0, 1, 1, 1, 1))


@dataclass(frozen=True, slots=True)
class Hold:
    """A moment of a hand: where its knuckles are, where its fingers point, where its palm faces, and its shape."""

    place: Vector
    pointing: Vector
    palm: Vector
    shape: Shape


@dataclass(frozen=True, slots=True)
class Sign:
    """The right hand's holds, gone through `repeats` times (fewest, most), and what the left hand does meanwhile."""

    holds: tuple[Hold, ...]
    repeats: tuple[int, int] = (1, 1)
    left: tuple[Hold, ...] = ()
    """Nothing: it rests. The same as `holds`: it mirrors the right hand."""


def _moved(hold: Hold, by: Vector) -> Hold:
    x, y, z = (at + step for at, step in zip(hold.place, by, strict=True))
    return replace(hold, place=(x, y, z))


def _circle(hold: Hold, radius: float) -> tuple[Hold, ...]:
    """Around `hold`, parallel to the chest."""
    angles = [2 * math.pi * step / 8 for step in range(8)]
    return tuple(_moved(hold, (radius * math.cos(angle), radius * math.sin(angle), 0)) for angle in angles)


def _both(*holds: Hold, repeats: tuple[int, int] = (1, 1)) -> Sign:
    return Sign(holds, repeats, left=holds)


_AT_CHIN, _AT_FOREHEAD = Hold(CHIN, UP, IN, OPEN), Hold(FOREHEAD, UP, IN, OPEN)
_AT_MOUTH = Hold(MOUTH, (-0.4, 0.5, -0.7), BACK, BUNCH)
_WATER = Hold(CHIN, UP, IN, THREE)
_BASE_PALM = Hold((0.05, -0.5, 0.5), (-0.5, 0, 0.8), UP, FLAT)
_BASE_FIST = Hold((0.05, -0.48, 0.5), (-0.7, 0, 0.7), DOWN, FIST)
_ON_PALM = Hold((0.0, -0.38, 0.55), (-0.6, 0.1, 0.7), DOWN, FLAT)
_ON_FIST = Hold((0.02, -0.33, 0.55), (-0.6, 0, 0.8), DOWN, FIST)
_LIFTED = Hold((0.1, -0.42, 0.5), (-0.3, 0.1, 0.9), IN, THUMB_UP)
_MEETING = Hold((0.05, -0.1, 0.55), IN, BACK, BUNCH)
_HORNS = Hold((0.42, -0.15, 0.55), UP, IN, HORNS)
_SHAKING = Hold(SIDE, (-0.3, 1, 0.2), FORWARD, POINT)
_NODDING = Hold((0.35, 0.0, 0.55), UP, FORWARD, FIST)
_SNAPPING = Hold((0.35, 0.1, 0.55), (-0.1, 0.5, 0.8), (-0.3, -0.8, 0.4), TWO)

SIGNS: Mapping[str, Sign] = {
    "HELLO": Sign((Hold(TEMPLE, UP, FORWARD, FLAT), Hold((0.85, 0.9, 0.45), (0.4, 1, 0.1), FORWARD, FLAT))),
    "THANKS": Sign((Hold(CHIN, UP, BACK, FLAT), Hold((0.05, 0.05, 0.95), (0, 0.4, 0.9), (0, 0.9, -0.4), FLAT))),
    "PLEASE": Sign(_circle(Hold(CHEST, IN, BACK, FLAT), 0.2), (1, 3)),
    "SORRY": Sign(_circle(Hold(CHEST, IN, BACK, FIST), 0.2), (1, 3)),
    "YES": Sign((_NODDING, replace(_NODDING, pointing=FORWARD, palm=DOWN)), (2, 3)),
    "NO": Sign((_SNAPPING, replace(_SNAPPING, shape=TWO_CLOSED)), (2, 3)),
    "HELP": Sign((_LIFTED, _moved(_LIFTED, (0, 0.5, 0.05))), left=(_BASE_PALM, _moved(_BASE_PALM, (0, 0.5, 0.05)))),
    "EAT": Sign((_AT_MOUTH, _moved(_AT_MOUTH, (0.08, -0.16, 0.16))), (2, 3)),
    "DRINK": Sign((Hold((0.1, 0.42, 0.5), IN, IN, CUP), Hold((0.05, 0.62, 0.45), (-0.7, 0.7, -0.3), IN, CUP))),
    "MOTHER": Sign((_AT_CHIN, _moved(_AT_CHIN, (0.02, -0.02, 0.18))), (2, 3)),
    "FATHER": Sign((_AT_FOREHEAD, _moved(_AT_FOREHEAD, (0.02, -0.02, 0.18))), (2, 3)),
    "LOVE": _both(
        Hold((0.25, -0.35, 0.5), (-0.4, 0.9, 0), BACK, FIST), Hold((-0.28, 0, 0.3), (-0.7, 0.7, 0), BACK, FIST)
    ),
    "HOUSE": _both(
        Hold((0.04, 0.4, 0.55), (-0.7, 0.7, 0.1), (-0.6, -0.6, 0.2), FLAT),
        Hold((0.4, 0.1, 0.55), (-0.5, 0.8, 0.2), (-0.7, -0.6, 0.2), FLAT),
        Hold((0.4, -0.4, 0.55), (0, 0.8, 0.6), IN, FLAT),
    ),
    "BOOK": _both(
        Hold((0.04, -0.3, 0.55), (-0.1, 0.3, 0.9), IN, FLAT), Hold((0.3, -0.35, 0.55), (0, 0.1, 1), UP, FLAT)
    ),
    "WORK": Sign((_moved(_ON_FIST, (0, 0.2, 0)), _ON_FIST), (2, 4), left=(_BASE_FIST,)),
    "SCHOOL": Sign((_moved(_ON_PALM, (0, 0.22, 0)), _ON_PALM), (2, 3), left=(_BASE_PALM,)),
    "WATER": Sign((_WATER, _moved(_WATER, (0.02, -0.02, 0.18))), (2, 3)),
    "WHERE": Sign((_SHAKING, Hold((0.6, 0.15, 0.5), (0.3, 1, 0.2), FORWARD, POINT)), (2, 4)),
    "MORE": _both(_moved(_MEETING, (0.2, 0, 0)), _MEETING, repeats=(2, 3)),
    "PLAY": _both(_HORNS, replace(_HORNS, palm=FORWARD, pointing=(0.4, 0.9, 0)), repeats=(2, 4)),
}
"""Gloss -> how it is drawn, in the order of the network's outputs."""

AT_REST = Hold(LAP, (-0.2, -0.9, 0.3), IN, RELAXED)
