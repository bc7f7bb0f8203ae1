"""A healthy head in an axial slice: scalp, skull, fluid, cortex with its folds, white matter, nuclei, ventricles.

The folds come from one plane, `depth`: the distance to the nearest fluid, be it around the brain, in a sulcus or in a
fissure. Fluid is where it is almost 0, cortex a little deeper, white matter below.
"""

from dataclasses import dataclass

import numpy as np

from models.brain_tumor.canvas import Plane, Point, X, Y, capsule, clouds, cover, ellipse, fade, lobed
from models.brain_tumor.tissue import Shades

BRAIN_EDGE = 0.85  # radius of the brain, where 1 is the skin
_LEVELS = ("nuclei", "ventricles", "top")
_LEVEL_SHARES = (0.5, 0.3, 0.2)


@dataclass(frozen=True, slots=True)
class Head:
    """A slice of a head: its light, and for each place its radius, 0 in the middle and 1 at the skin."""

    light: Plane
    radius: Plane
    half_width: float


@dataclass(frozen=True, slots=True)
class _Anatomy:
    """What differs between heads, and at which level the slice cuts; the fluid is wider with age."""

    level: str
    half_width: float
    fluid_width: float


def draw_head(shades: Shades, rng: np.random.Generator) -> Head:
    """A healthy head at a random level, with the marks that age leaves in any head."""
    half_width = float(rng.uniform(0.70, 0.86))
    radius = np.hypot(X / half_width, Y) / lobed(X, Y, (0.012, 0.015, 0.008), rng)
    level = str(rng.choice(_LEVELS, p=_LEVEL_SHARES))
    fluid_width = float(rng.uniform(0.008, 0.03))
    light = _around_the_brain(radius, shades, rng)
    anatomy = _Anatomy(level, half_width, fluid_width)
    depth = _depth(radius, anatomy, rng)
    brain = fade(radius, BRAIN_EDGE, 0.02)
    cortex = fade(depth, fluid_width + rng.uniform(0.035, 0.055) + 0.012 * clouds(rng, 0.12), 0.025)
    tissue = shades.white_matter + cortex * np.float32(shades.grey_matter - shades.white_matter)
    if level == "nuclei":
        _draw_nuclei(tissue, anatomy, shades, rng)
    cover(tissue, fade(depth, fluid_width, 0.022), shades.fluid)
    if level != "top":
        _draw_ventricles(tissue, anatomy, shades, rng)
    tissue += np.float32(0.012) * clouds(rng, 0.05)
    cover(light, brain, tissue)
    return Head(light, radius, half_width)


def _around_the_brain(radius: Plane, shades: Shades, rng: np.random.Generator) -> Plane:
    """Scalp, two plates of bone with marrow between them, and the fluid below."""
    light = np.zeros_like(radius)
    thickness = np.float32(0.012) * clouds(rng, 0.5)
    cover(light, fade(radius, 1.0, 0.015), shades.scalp)
    cover(light, fade(radius, 0.955 + thickness, 0.015), shades.bone)
    marrow = fade(np.abs(radius - 0.925), 0.008 + 0.006 * clouds(rng, 0.3), 0.012)
    cover(light, marrow * np.float32(rng.uniform(0, 0.8)), shades.scalp * 0.8)
    cover(light, fade(radius, 0.89 + thickness / 2, 0.015), shades.fluid)
    return light


def _depth(radius: Plane, anatomy: _Anatomy, rng: np.random.Generator) -> Plane:
    """The distance to the nearest fluid outside the ventricles."""
    half_width, fluid_width = anatomy.half_width, anatomy.fluid_width
    depth = np.maximum(np.float32(BRAIN_EDGE) - radius, 0)
    folds = rng.integers(17, 27)
    winding = folds * np.arctan2(Y, X / half_width) + np.float32(rng.uniform(1.2, 2.4)) * clouds(rng, 0.22)
    from_sulcus = np.sqrt((1 - np.sin(winding)) / 2) * (2.8 * radius / folds)
    bottom = np.float32(rng.uniform(0.12, 0.2)) * (1 + 0.45 * clouds(rng, 0.2))
    depth = np.minimum(depth, from_sulcus + np.maximum(depth - bottom, 0) + fluid_width * np.float32(0.35))
    closed = rng.uniform(0.3, 0.42) if anatomy.level != "top" else -1.0  # where the callosum joins the halves
    bridge = 2 * np.maximum(closed - np.abs(Y + 0.02), 0)
    depth = np.minimum(depth, np.abs(X + 0.012 * clouds(rng, 0.4)) + bridge + fluid_width * np.float32(0.2))
    if anatomy.level == "nuclei":
        for side in (-1, 1):
            outer = (side * half_width * 0.82, rng.uniform(-0.2, -0.05))
            inner = (side * half_width * rng.uniform(0.5, 0.6), rng.uniform(-0.06, 0.08))
            depth = np.minimum(depth, capsule(outer, inner) + 0.01 * clouds(rng, 0.15))
    distance: Plane = depth.astype(np.float32)
    return distance


def _draw_nuclei(tissue: Plane, anatomy: _Anatomy, shades: Shades, rng: np.random.Generator) -> None:
    grey = shades.grey_matter + rng.normal(0, 0.01)
    for side in (-1, 1):
        nuclei: tuple[tuple[Point, Point], ...] = (
            ((side * 0.14, 0.08), (0.09, 0.14)),  # thalamus
            ((side * anatomy.half_width * 0.36, -0.06), (0.075, 0.15)),  # lentiform nucleus
            ((side * anatomy.half_width * 0.23, -0.22), (0.045, 0.09)),  # head of the caudate
        )
        for (x, y), (wide, high) in nuclei:
            centre = (x + rng.normal(0, 0.008), y + rng.normal(0, 0.008))
            cover(tissue, 0.85 * fade(ellipse(centre, (wide, high)), 1.0, 0.25), grey)


def _draw_ventricles(tissue: Plane, anatomy: _Anatomy, shades: Shades, rng: np.random.Generator) -> None:
    """A pair of ventricles, seldom quite alike, wider in a brain with wide sulci; the choroid plexus in them."""
    size = rng.uniform(0.6, 1.2) + 25 * anatomy.fluid_width * rng.uniform(0.3, 1.0)
    grain = 0.008 * clouds(rng, 0.12)
    for side in (-1, 1):
        width = 0.032 * size * rng.uniform(0.75, 1.35)
        reach = side * anatomy.half_width / 0.78
        if anatomy.level == "nuclei":
            horns = [((reach * 0.05, -0.13), (reach * 0.15, -0.30)), ((reach * 0.19, 0.20), (reach * 0.24, 0.42))]
            cover(tissue, fade(capsule((0.0, -0.06), (0.0, 0.12)) + grain, 0.012 * size, 0.02), shades.fluid)
        else:
            horns = [((reach * 0.08, -0.28), (reach * 0.09, 0.05)), ((reach * 0.09, 0.05), (reach * 0.19, 0.33))]
        for start, end in horns:
            cover(tissue, fade(capsule(start, end) + grain, width, 0.02), shades.fluid)
        if rng.random() < 0.5:
            plexus = ellipse((horns[1][0][0] * 1.05, 0.25), (0.02 * size, 0.045))
            cover(tissue, fade(plexus, 1.0, 0.4) * np.float32(rng.uniform(0.3, 1.0)), max(shades.vessel, 0.5))
