"""Ink on a retina, and the frame through which a camera sees it.

Everything is drawn in field units: the camera's round field of view has its centre at (0, 0) and radius
1, x to the right, y down. Drawing happens at about twice the final resolution; `Frame` says which part of
the plane becomes the photograph, so a wide or cropped sensor costs nothing but a resize.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane = NDArray[np.float32]
Points = NDArray[np.float64]

IMAGE_SIDE_PX = 224

_FIELD_RADIUS_PX = 240
_HALF_WIDTH_PX = 384
_HALF_HEIGHT_PX = 288


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of the plane that becomes the square photograph, in field units.

    A frame wider than high is squeezed into the square, as the server's `resize = "stretch"` does.
    """

    x: float
    y: float
    half_width: float
    half_height: float

    def coordinates(self) -> tuple[Plane, Plane]:
        """Field coordinates of the photograph's pixel centres: x [1, side], y [side, 1]."""
        centres = np.linspace(-1, 1, IMAGE_SIDE_PX, endpoint=False, dtype=np.float32) + np.float32(1 / IMAGE_SIDE_PX)
        x = np.float32(self.x) + centres * np.float32(self.half_width)
        y = np.float32(self.y) + centres * np.float32(self.half_height)
        return x[None, :], y[:, None]

    def shows(self, points: Points) -> NDArray[np.bool_]:
        """Which points [k, 2] lie inside the frame, a small margin from its border."""
        offset = np.abs(points - (self.x, self.y))
        return (offset[:, 0] < self.half_width - 0.03) & (offset[:, 1] < self.half_height - 0.03)


class Ink:
    """One layer of paint, 0 (none) to 255 (most), drawn in field units."""

    def __init__(self) -> None:
        self._image = Image.new("L", (2 * _HALF_WIDTH_PX, 2 * _HALF_HEIGHT_PX))
        self._draw = ImageDraw.Draw(self._image)
        self._empty = True

    def line(self, points: Points, width: float, density: int) -> None:
        """A polyline through points [k, 2]."""
        self._empty = False
        pixels = max(1, round(width * _FIELD_RADIUS_PX))
        self._draw.line(_to_pixels(points), fill=density, width=pixels, joint="curve" if pixels > 3 else None)

    def ellipse(self, centre: Points, radius_x: float, radius_y: float, density: int) -> None:
        """A filled ellipse with its axes along x and y."""
        self._empty = False
        corners = np.array([(-radius_x, -radius_y), (radius_x, radius_y)]) + centre
        self._draw.ellipse(_to_pixels(corners), fill=density)

    def blob(self, centre: Points, radius: float, rng: np.random.Generator, density: int) -> None:
        """A filled round shape with an irregular outline."""
        self._empty = False
        angles = np.linspace(0, 2 * math.pi, 20, endpoint=False)
        lobes = np.sin(angles[:, None] * (2, 3, 5) + rng.uniform(0, 2 * math.pi, 3)) * (0.18, 0.09, 0.08)
        reach = radius * (1 + lobes.sum(axis=1))
        outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None] + centre
        self._draw.polygon(_to_pixels(outline), fill=density)

    def polygon(self, points: Points, density: int) -> None:
        """A filled polygon with corners [k, 2]."""
        self._empty = False
        self._draw.polygon(_to_pixels(points), fill=density)

    def seen_through(self, frame: Frame) -> Plane | None:
        """The layer as the camera sees it: [side, side] in 0..1, or None where nothing was drawn."""
        if self._empty:
            return None
        left = _HALF_WIDTH_PX + (frame.x - frame.half_width) * _FIELD_RADIUS_PX
        right = _HALF_WIDTH_PX + (frame.x + frame.half_width) * _FIELD_RADIUS_PX
        top = _HALF_HEIGHT_PX + (frame.y - frame.half_height) * _FIELD_RADIUS_PX
        bottom = _HALF_HEIGHT_PX + (frame.y + frame.half_height) * _FIELD_RADIUS_PX
        photo = self._image.resize(
            (IMAGE_SIDE_PX, IMAGE_SIDE_PX), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
        )
        return np.asarray(photo, dtype=np.float32) / np.float32(255)


def _to_pixels(points: Points) -> list[float]:
    return (points * _FIELD_RADIUS_PX + (_HALF_WIDTH_PX, _HALF_HEIGHT_PX)).ravel().tolist()


def cover(light: Plane, opacity: Plane | None, colour: tuple[float, float, float]) -> None:
    """Lays a colour over light [3, side, side], in place; opacity [side, side] in 0..1, None for nothing."""
    if opacity is not None:
        for channel, shade in enumerate(colour):
            light[channel] += opacity * (np.float32(shade) - light[channel])


def fade(distance: Plane, edge: float, softness: float) -> Plane:
    """1 inside `edge`, 0 outside, linear over `softness`."""
    inside: Plane = (np.float32(edge) - distance) / np.float32(softness) + np.float32(0.5)
    return inside.clip(0, 1)
