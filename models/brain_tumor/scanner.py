"""The scanner: how the head lies in the picture, and what coil, noise, filter and window add.

Nothing here depends on the tumour, so nothing here may help a network to guess it.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from models.brain_tumor.canvas import HALF_SIDE, SIDE_PX, Plane

SLICE_SIDE_PX = 128

Slice = NDArray[np.uint8]


def scan(light: Plane, rng: np.random.Generator) -> Slice:
    """Takes a drawn head to a greyscale picture, uint8 [128, 128]."""
    seen = _placed(gaussian_filter(light, rng.uniform(0.4, 1.1)), rng)
    seen = seen * _coil(rng)
    noise = rng.uniform(0.004, 0.035)
    real, imaginary = rng.normal(0, noise, (2, *seen.shape))
    seen = np.hypot(seen + real, imaginary)  # the magnitude of a noisy complex signal
    white = np.quantile(seen, 0.995) * rng.uniform(0.85, 1.15)
    black = rng.uniform(0, 0.05)
    windowed = np.clip((seen - black) / (white - black), 0, 1) ** rng.uniform(0.75, 1.35)
    pixels: Slice = (windowed * 255).round().astype(np.uint8)
    return pixels


def _placed(light: Plane, rng: np.random.Generator) -> Plane:
    """Turned, mirrored, scaled and shifted into the picture; some pictures are cut close to the head."""
    turn, mirror = rng.normal(0, np.deg2rad(8)), rng.choice((-1, 1))
    half_wide, half_high = rng.uniform(0.88, 1.2) * rng.uniform(0.94, 1.06, 2)  # canvas units that the picture shows
    shift_x, shift_y = rng.normal(0, 0.03, 2)
    px, pixel = SIDE_PX / (2 * HALF_SIDE), 2 / SLICE_SIDE_PX
    cos, sin = np.cos(turn), np.sin(turn)
    # output pixel (column, row) -> canvas pixel, as Pillow's affine transform wants it
    a, b = mirror * cos * half_wide * pixel * px, -sin * half_high * pixel * px
    d, e = mirror * sin * half_wide * pixel * px, cos * half_high * pixel * px
    half = SLICE_SIDE_PX / 2
    c = (HALF_SIDE + shift_x) * px - (a + b) * half
    f = (HALF_SIDE + shift_y) * px - (d + e) * half
    placed = Image.fromarray(light).transform(
        (SLICE_SIDE_PX, SLICE_SIDE_PX), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC
    )
    seen: Plane = np.clip(np.asarray(placed), 0, None)
    return seen


def _coil(rng: np.random.Generator) -> Plane:
    """A field that is brighter to one side, and in the middle or at the border."""
    along = np.linspace(-1, 1, SLICE_SIDE_PX, dtype=np.float32)
    x, y = along[None, :], along[:, None]
    slope_x, slope_y, bulge = rng.normal(0, 0.12, 3)
    field: Plane = np.clip(1 + slope_x * x + slope_y * y + bulge * (x * x + y * y), 0.4, 1.8).astype(np.float32)
    return field
