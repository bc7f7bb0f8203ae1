"""The plane on which a head is drawn, and the few shapes that it is made of.

Units: the head fills the circle of radius 1 around (0, 0), x to the right, y down, forehead up. Drawing happens at
one and a half times the resolution of the slice, because the scanner turns and scales what it sees.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
Point = tuple[float, float]

SIDE_PX = 192
HALF_SIDE = 1.05  # units from the centre of the canvas to its border

_CENTRES = ((np.arange(SIDE_PX, dtype=np.float32) + 0.5) / SIDE_PX * 2 - 1) * np.float32(HALF_SIDE)
X: Plane = np.broadcast_to(_CENTRES[None, :], (SIDE_PX, SIDE_PX))
Y: Plane = np.broadcast_to(_CENTRES[:, None], (SIDE_PX, SIDE_PX))


def clouds(rng: np.random.Generator, size: float) -> Plane:
    """Smooth noise of about unit variance, whose lumps are `size` units wide."""
    cells = max(4, round(2 * HALF_SIDE / size))
    coarse = Image.fromarray(rng.normal(0, 1.3, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))


def fade(distance: Plane, edge: float | NDArray[np.floating], softness: float) -> Plane:
    """1 where `distance` is below `edge`, 0 above, linear over `softness`."""
    inside: Plane = np.clip((edge - distance) / np.float32(softness) + np.float32(0.5), 0, 1).astype(np.float32)
    return inside


def cover(light: Plane, opacity: Plane, shade: float | Plane) -> None:
    """Lays `shade` over `light`, in place; opacity 0..1."""
    light += opacity * (shade - light)


def capsule(start: Point, end: Point) -> Plane:
    """Distance to the line from `start` to `end`."""
    (ax, ay), (bx, by) = start, end
    dx, dy = bx - ax, by - ay
    along = np.clip(((X - ax) * dx + (Y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    distance: Plane = np.hypot(X - (ax + along * dx), Y - (ay + along * dy)).astype(np.float32)
    return distance


def ellipse(centre: Point, radii: Point) -> Plane:
    """0 in the centre of an ellipse, 1 on its outline."""
    distance: Plane = np.hypot((X - centre[0]) / radii[0], (Y - centre[1]) / radii[1]).astype(np.float32)
    return distance


def lobed(x: Plane, y: Plane, strengths: Sequence[float], rng: np.random.Generator) -> Plane:
    """A factor around 1 that depends on the direction of (x, y): strength k is of the wave with k + 2 lobes."""
    angle = np.arctan2(y, x)
    factor = np.ones_like(angle)
    for waves, strength in enumerate(strengths, start=2):
        factor += np.float32(strength * rng.normal()) * np.sin(waves * angle + rng.uniform(0, 2 * np.pi))
    clipped: Plane = factor.clip(0.4, 1.8).astype(np.float32)
    return clipped
