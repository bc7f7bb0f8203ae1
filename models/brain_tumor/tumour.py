"""A tumour in a drawn head: the brain makes room, the surroundings swell, and the mass lies in the middle.

Four kinds, after what the common ones look like: a ring that takes up contrast agent around dead tissue (as in
glioblastoma), a solid mass at the skull (meningioma), a diffuse one without a rim (low-grade glioma), and one to
three small round ones (metastases).
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from models.brain_tumor.canvas import HALF_SIDE, SIDE_PX, Plane, Point, X, Y, clouds, cover, fade, lobed
from models.brain_tumor.head import BRAIN_EDGE, Head
from models.brain_tumor.tissue import Shades

_KINDS = ("ring", "at the skull", "diffuse", "small")


@dataclass(frozen=True, slots=True)
class _Mass:
    """Where a tumour lies and how far it reaches; `swelling` is the width of the oedema around it."""

    kind: str
    centre: Point
    size: float
    swelling: float


def draw_tumour(head: Head, shades: Shades, rng: np.random.Generator) -> None:
    """Adds a tumour of a random kind, size and place, in place."""
    kind = str(rng.choice(_KINDS))
    for _ in range(rng.integers(1, 4) if kind == "small" else 1):
        mass = _random_mass(kind, head, rng)
        head.light[:] = _displaced(head, mass, rng)
        _paint(head, mass, shades, rng)


def _random_mass(kind: str, head: Head, rng: np.random.Generator) -> _Mass:
    angle = rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(0.72, 0.8) if kind == "at the skull" else 0.68 * np.sqrt(rng.uniform(0.04, 1))
    centre = (head.half_width * reach * np.cos(angle), reach * np.sin(angle))
    size = rng.uniform(0.07, 0.11) if kind == "small" else rng.uniform(0.11, 0.30)
    most = {"ring": 0.22, "at the skull": 0.10, "diffuse": 0.12, "small": 0.18}[kind]
    return _Mass(kind, centre, float(size), float(rng.uniform(0, most)))


def _displaced(head: Head, mass: _Mass, rng: np.random.Generator) -> Plane:
    """The head after the brain has been pushed away from the mass; the skull stays where it is."""
    dx, dy = X - mass.centre[0], Y - mass.centre[1]
    distance = np.hypot(dx, dy) + np.float32(1e-3)
    push = mass.size * rng.uniform(0.2, 0.6) * np.exp(-((distance / (2.2 * mass.size)) ** 2))
    push = push * fade(head.radius, (BRAIN_EDGE + 0.55) / 2, BRAIN_EDGE - 0.55)
    to_px = SIDE_PX / (2 * HALF_SIDE)
    rows = (Y - push * dy / distance + HALF_SIDE) * to_px - 0.5
    columns = (X - push * dx / distance + HALF_SIDE) * to_px - 0.5
    moved: Plane = map_coordinates(head.light, (rows, columns), order=1, mode="nearest").astype(np.float32)
    return moved


def _paint(head: Head, mass: _Mass, shades: Shades, rng: np.random.Generator) -> None:
    dx, dy = X - mass.centre[0], Y - mass.centre[1]
    irregular = (0.05, 0.03) if mass.kind in ("small", "at the skull") else (0.16, 0.12, 0.08, 0.05)
    distance = np.hypot(dx, dy) / lobed(dx, dy, irregular, rng)
    brain = fade(head.radius, BRAIN_EDGE + 0.02, 0.03)
    fingers = distance / (1 + 0.2 * clouds(rng, 0.18))  # oedema follows the white matter
    swollen = fade(fingers, mass.size + mass.swelling, 0.06 + mass.swelling / 2)
    if mass.swelling > 0.02:
        cover(head.light, swollen * brain * np.float32(rng.uniform(0.6, 0.95)), shades.oedema)
    grain = np.float32(0.05) * clouds(rng, 0.07)
    if mass.kind == "diffuse":
        body = fade(distance, mass.size, 0.4 * mass.size) * np.float32(rng.uniform(0.65, 0.95))
        cover(head.light, body * brain, (shades.oedema + shades.mass) / 2 + grain)
        return
    cover(head.light, fade(distance, mass.size, 0.025) * brain, _shade(mass.kind, shades) + grain)
    hollow = rng.uniform(0.5, 0.8)
    if mass.kind == "ring" or (mass.kind == "small" and rng.random() < 0.4):
        dead = fade(distance + 0.15 * mass.size * clouds(rng, 0.1), hollow * mass.size, 0.03)
        cover(head.light, dead * brain, shades.necrosis + grain)


def _shade(kind: str, shades: Shades) -> float:
    return (shades.mass + shades.mass_rim) / 2 if kind == "at the skull" else shades.mass_rim
