"""The camera: how a head is framed, and what light, optics and file format add.

Nothing here depends on the mask, so nothing here may help a network to guess it.
"""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from models.face_mask.canvas import DRAWN_SIDE_PX, IMAGE_SIDE_PX, Plane, Pose, clouds, rounded
from models.face_mask.person import any_colour

Photo = NDArray[np.uint8]


def random_pose(half_width: float, rng: np.random.Generator) -> Pose:
    """From a tight crop of the face to head and shoulders, mostly upright and facing the camera."""
    half_height = rng.uniform(0.24, 0.56)
    slack = max(0.03, 0.5 - half_height) * 0.45
    return Pose(
        yaw=rng.normal(0, 0.3),
        pitch=rng.normal(0.0, 0.12),
        roll=rng.normal(0, 0.13),
        centre=(0.5 + rng.uniform(-slack, slack), 0.5 + rng.uniform(-slack, slack)),
        half_height=half_height,
        squeeze=1.0 if rng.random() < 0.4 else rng.uniform(0.75, 1.25),
        half_width=half_width,
    )


def random_background(rng: np.random.Generator) -> Image.Image:
    """A wall, a gradient or a blurred room of coloured shapes."""
    paper = Image.new("RGB", (DRAWN_SIDE_PX, DRAWN_SIDE_PX), rounded(any_colour(rng)))
    draw = ImageDraw.Draw(paper)
    for _ in range(0 if rng.random() < 0.25 else int(rng.integers(2, 14))):
        (x, y), (width, height) = rng.uniform(-40, DRAWN_SIDE_PX, 2), rng.uniform(10, 130, 2)
        shape = draw.ellipse if rng.random() < 0.35 else draw.rectangle
        shape((x, y, x + width, y + height), fill=rounded(any_colour(rng)))
    return paper.filter(ImageFilter.GaussianBlur(rng.uniform(0, 9)))


def photograph(drawing: Image.Image, pose: Pose, rng: np.random.Generator) -> Photo:
    """Takes the drawing to uint8 RGB [side, side, 3]."""
    small = drawing.resize((IMAGE_SIDE_PX, IMAGE_SIDE_PX), Image.Resampling.BOX)
    light = np.asarray(small, dtype=np.float32) / np.float32(255)
    light = light * _shading(pose, rng)[..., None] * (1 + rng.uniform(0, 0.06) * clouds(rng, 40))[..., None]
    light *= rng.uniform(0.86, 1.12, 3).astype(np.float32) * np.float32(
        rng.uniform(0.65, 1.25)
    )  # white balance, exposure
    if rng.random() < 0.05:
        light[:] = light.mean(axis=2, keepdims=True)
    contrast = np.float32(rng.uniform(0.65, 1.25))
    light = (light - light.mean()) * contrast + light.mean()
    light += rng.normal(0, rng.uniform(0.003, 0.04), light.shape).astype(np.float32)
    photo = Image.fromarray(np.clip(light * 255, 0, 255).astype(np.uint8))
    photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1) ** 2 * 1.6))
    return _through_jpeg(photo, int(rng.integers(45, 97)))


def _shading(pose: Pose, rng: np.random.Generator) -> Plane:
    """Lambert's law on an ellipsoid as large as the head, fading to even light around it."""
    x, y = pose.surface()
    x, y = x / np.float32(pose.half_width), y * np.float32(0.9)
    radius_squared = x * x + y * y
    depth = np.sqrt(np.clip(1 - radius_squared, 0, 1))
    length = np.sqrt(np.maximum(radius_squared, 1))
    azimuth, elevation = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.5)
    across, down = math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth)
    towards = x / length * np.float32(across) + y / length * np.float32(down) + depth * np.float32(math.sin(elevation))
    strength = np.float32(rng.uniform(0.1, 0.75))
    lit = 1 - strength + strength * np.clip(towards, 0, 1) * np.float32(1.2)
    around = np.exp(-np.maximum(radius_squared - 1, 0) * np.float32(4))
    shaded: Plane = 1 + (lit - 1) * around
    return shaded


def _through_jpeg(photo: Image.Image, quality: int) -> Photo:
    stored = io.BytesIO()
    photo.save(stored, "JPEG", quality=quality)
    return np.array(Image.open(stored))
