"""The fundus camera: which part of the eye it frames, and what its light, optics and file format add.

Nothing here depends on the grade, so nothing here may help a network to guess it.
"""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.diabetic_retinopathy.canvas import Frame, Plane, cover, fade

Photo = NDArray[np.uint8]


def random_frame(rng: np.random.Generator) -> Frame:
    """Square crops around the field, and wide sensors that may cut its top and bottom."""
    half_height = rng.uniform(0.98, 1.08) if rng.random() < 0.65 else rng.uniform(0.82, 0.98)
    aspect = 1.0 if rng.random() < 0.5 else rng.uniform(1.0, 1.4)
    half_width = max(half_height * aspect, rng.uniform(0.95, 1.05))
    return Frame(rng.normal(0, 0.015), rng.normal(0, 0.015), half_width, half_height)


def photograph(light: Plane, frame: Frame, rng: np.random.Generator) -> Photo:
    """Takes light [3, side, side] in 0..1 to uint8 RGB [side, side, 3]."""
    x, y = frame.coordinates()
    radius_squared = x * x + y * y
    _flash(light, x, y, radius_squared, rng)
    mask = fade(np.sqrt(radius_squared), 1.0, 0.012)
    if rng.random() < 0.3:
        mask = np.maximum(mask, _notch(x, y, rng))
    light *= mask
    light += rng.normal(0, rng.uniform(0.002, 0.014), mask.shape).astype(np.float32)
    light += np.float32(rng.uniform(0, 0.02))

    pixels = np.clip(light * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    photo = Image.fromarray(np.ascontiguousarray(pixels))
    photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.7)))
    return _through_jpeg(photo, int(rng.integers(72, 97)))


def _flash(light: Plane, x: Plane, y: Plane, radius_squared: Plane, rng: np.random.Generator) -> None:
    """Brighter in the middle and to one side; through a hazy lens, a veil; on the lens, dust."""
    direction = rng.uniform(0, 2 * math.pi)
    slope = x * np.float32(math.cos(direction)) + y * np.float32(math.sin(direction))
    flash = 1 - np.float32(rng.uniform(0.05, 0.45)) * radius_squared + np.float32(rng.uniform(0, 0.2)) * slope
    light *= flash * np.float32(rng.uniform(0.85, 1.1))
    if rng.random() < 0.35:
        veil = np.clip(slope * np.float32(rng.uniform(0.3, 1.2)) + np.float32(0.4), 0, 1)
        cover(light, veil * np.float32(rng.uniform(0.05, 0.3)), (0.75, 0.6, 0.45))
    if rng.random() < 0.15:
        for _ in range(rng.integers(1, 4)):
            speck = rng.uniform(-0.8, 0.8, 2).astype(np.float32)
            size = np.float32(rng.uniform(0.02, 0.05))
            dust = np.exp(-((x - speck[0]) ** 2 + (y - speck[1]) ** 2) / (size * size))
            cover(light, dust * np.float32(rng.uniform(0.2, 0.5)), (0.3, 0.27, 0.22))


def _notch(x: Plane, y: Plane, rng: np.random.Generator) -> Plane:
    """The tab at the edge of the field that tells which way up the picture is."""
    angle = rng.choice((-1, 1)) * math.pi / 4 + rng.choice((0, math.pi))
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    inside = (along > 0) & (along < 1.06) & (np.abs(across) < 0.05)
    return inside.astype(np.float32)


def _through_jpeg(photo: Image.Image, quality: int) -> Photo:
    stored = io.BytesIO()
    photo.save(stored, "JPEG", quality=quality)
    return np.array(Image.open(stored))
