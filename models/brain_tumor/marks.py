"""What a healthy head may show and a tumour is not: vessels, spots of age, a cyst of fluid, a calcified pineal gland.

They are drawn in every head, with a tumour or without, as often in the one as in the other.
"""

import numpy as np

from models.brain_tumor.canvas import X, Y, capsule, clouds, cover, ellipse, fade
from models.brain_tumor.head import BRAIN_EDGE, Head
from models.brain_tumor.tissue import Shades


def draw_marks(head: Head, shades: Shades, rng: np.random.Generator) -> None:
    """Some of the marks, in place."""
    _draw_vessels(head, shades, rng)
    if rng.random() < 0.35:
        _draw_spots_of_age(head, shades, rng)
    if rng.random() < 0.12:
        _draw_cyst(head, shades, rng)
    if rng.random() < 0.15:
        pineal = ellipse((rng.normal(0, 0.01), rng.uniform(0.15, 0.25)), (0.022, 0.028))
        cover(head.light, fade(pineal, 1.0, 0.4), rng.choice((shades.bone, 0.9)))


def _draw_vessels(head: Head, shades: Shades, rng: np.random.Generator) -> None:
    """The sinus at the back and at times the front, the falx, and veins on the surface and in the depth."""
    cover(head.light, fade(ellipse((0, BRAIN_EDGE + 0.01), (0.05, 0.035)), 1.0, 0.3), shades.vessel)
    if rng.random() < 0.5:
        cover(head.light, fade(ellipse((0, -BRAIN_EDGE), (0.03, 0.025)), 1.0, 0.3), shades.vessel)
    if rng.random() < 0.4:
        ends = (0.0, -0.8), (0.0, -0.4)
        cover(head.light, 0.6 * fade(capsule(*ends) + 0.006 * clouds(rng, 0.3), 0.008, 0.012), shades.vessel)
    for _ in range(rng.integers(0, 9)):
        angle, reach = rng.uniform(0, 2 * np.pi), rng.choice((rng.uniform(0.2, 0.6), 0.8))
        x, y = head.half_width * reach * np.cos(angle), reach * np.sin(angle)
        bearing, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.005, 0.12)
        end = (x + length * np.cos(bearing), y + length * np.sin(bearing))
        vessel = fade(capsule((x, y), end) + 0.006 * clouds(rng, 0.15), rng.uniform(0.008, 0.016), 0.012)
        cover(head.light, vessel * fade(head.radius, BRAIN_EDGE, 0.02), shades.vessel)


def _draw_spots_of_age(head: Head, shades: Shades, rng: np.random.Generator) -> None:
    """Small lesions of the white matter beside the ventricles, with the shade of oedema but no mass."""
    for _ in range(rng.integers(1, 7)):
        side = rng.choice((-1, 1))
        centre = (side * rng.uniform(0.14, 0.4), rng.uniform(-0.45, 0.5))
        spot = ellipse(centre, (rng.uniform(0.012, 0.035), rng.uniform(0.012, 0.045)))
        cover(head.light, fade(spot, 1.0, 0.6) * np.float32(rng.uniform(0.4, 0.9)), shades.oedema)


def _draw_cyst(head: Head, shades: Shades, rng: np.random.Generator) -> None:
    """A smooth pocket of fluid between the brain and the skull."""
    angle = rng.uniform(0, 2 * np.pi)
    centre = (head.half_width * 0.8 * np.cos(angle), 0.8 * np.sin(angle))
    size = rng.uniform(0.06, 0.14)
    pocket = np.hypot(X - centre[0], Y - centre[1]).astype(np.float32)
    cover(head.light, fade(pocket, size, 0.02) * fade(head.radius, 0.885, 0.02), shades.fluid)
