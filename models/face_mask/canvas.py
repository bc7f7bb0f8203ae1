"""Paint on a head that is turned, and the frame through which a camera sees it.

Everything is drawn in head units: the crown at y = -1, the chin at y = 1, x to the right, the face's middle at
(0, 0). `Pose` turns the surface of that head and says where it lies in the picture. Drawing happens at twice the
final resolution.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[float, float, float]  # red, green, blue in 0..255
Plane = NDArray[np.float32]
Points = NDArray[np.float64]

IMAGE_SIDE_PX = 96
DRAWN_SIDE_PX = 2 * IMAGE_SIDE_PX


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is held (angles in radians) and framed (centre and half height as shares of the picture)."""

    yaw: float
    pitch: float
    roll: float
    centre: tuple[float, float]
    half_height: float
    squeeze: float  # of a picture that was wider or higher than its square
    half_width: float  # of the head, in head units

    def project(self, points: Points, lift: float = 0.0) -> Points:
        """Pixels [k, 2] of points on the head's surface, `lift` above it."""
        x, y = points[:, 0], points[:, 1]
        depth = 0.75 * np.sqrt(np.clip(1 - (x / self.half_width) ** 2 - 0.5 * y * y, 0, 1)) + lift
        turned = np.stack([x * math.cos(self.yaw) + depth * math.sin(self.yaw), y + depth * math.sin(self.pitch)], 1)
        return self.place(turned)

    def place(self, points: Points) -> Points:
        """Pixels [k, 2] of points that do not turn with the head, such as its outline."""
        cosine, sine = math.cos(self.roll), math.sin(self.roll)
        rolled = points @ np.array([[cosine, sine], [-sine, cosine]])
        pixels: Points = (rolled * (self.half_height * self.squeeze, self.half_height) + self.centre) * DRAWN_SIDE_PX
        return pixels

    def surface(self) -> tuple[Plane, Plane]:
        """Head coordinates x, y of the final picture's pixels, each [side, side]."""
        axis = (np.arange(IMAGE_SIDE_PX, dtype=np.float32) + np.float32(0.5)) / np.float32(IMAGE_SIDE_PX)
        across = (axis[None, :] - np.float32(self.centre[0])) / np.float32(self.half_height * self.squeeze)
        down = (axis[:, None] - np.float32(self.centre[1])) / np.float32(self.half_height)
        cosine, sine = np.float32(math.cos(self.roll)), np.float32(math.sin(self.roll))
        return across * cosine + down * sine, down * cosine - across * sine


class Canvas:
    """The picture while it is painted, [192, 192] pixels."""

    def __init__(self, pose: Pose, paper: Image.Image) -> None:
        self.pose = pose
        self.image = paper
        self._draw = ImageDraw.Draw(paper)

    def fill(
        self,
        points: Points,
        ink: Colour | Image.Image,
        *,
        lift: float | None = 0.0,
        opacity: float = 1.0,
        softness: float = 0.0,
    ) -> None:
        """A polygon of a colour or a cloth; `lift` None for what does not turn; `softness` in head units."""
        corners = self._pixels(points, lift)
        self._paint(lambda draw, fill: draw.polygon(corners, fill=fill), ink, opacity, softness)

    def line(
        self,
        points: Points,
        colour: Colour,
        width: float,
        *,
        lift: float | None = 0.0,
        opacity: float = 1.0,
        softness: float = 0.0,
    ) -> None:
        """A polyline, `width` in head units."""
        corners = self._pixels(points, lift)
        pixels = max(1, round(width * self.pose.half_height * DRAWN_SIDE_PX))
        self._paint(
            lambda draw, fill: draw.line(corners, fill=fill, width=pixels, joint="curve" if pixels > 3 else None),
            colour,
            opacity,
            softness,
        )

    def _pixels(self, points: Points, lift: float | None) -> list[float]:
        placed = self.pose.place(points) if lift is None else self.pose.project(points, lift)
        return placed.ravel().tolist()

    def _paint(
        self,
        shape: Callable[[ImageDraw.ImageDraw, int | tuple[int, int, int]], None],
        ink: Colour | Image.Image,
        opacity: float,
        softness: float,
    ) -> None:
        if not isinstance(ink, Image.Image):
            ink_colour = rounded(ink)
            if opacity >= 1 and softness == 0:
                shape(self._draw, ink_colour)
                return
        layer = Image.new("L", self.image.size)
        shape(ImageDraw.Draw(layer), round(255 * min(opacity, 1)))
        if softness:
            layer = layer.filter(ImageFilter.GaussianBlur(softness * self.pose.half_height * DRAWN_SIDE_PX))
        self.image.paste(ink if isinstance(ink, Image.Image) else rounded(ink), (0, 0, *self.image.size), layer)


def rounded(colour: Colour) -> tuple[int, int, int]:
    """The colour as whole numbers in 0..255."""
    red, green, blue = (min(255, max(0, round(value))) for value in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` 0 gives one colour, 1 the other."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def oval(x: float, y: float, radius_x: float, radius_y: float, turn: float = 0.0) -> Points:
    """The outline of an ellipse."""
    angles = np.linspace(0, 2 * math.pi, 28, endpoint=False)
    flat = np.stack([radius_x * np.cos(angles), radius_y * np.sin(angles)], axis=1)
    cosine, sine = math.cos(turn), math.sin(turn)
    turned: Points = flat @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return turned


def smooth(corners: list[tuple[float, float]], *, closed: bool = True) -> Points:
    """A Catmull-Rom curve through the corners.

    E. Catmull and R. Rom, "A class of local interpolating splines", 1974.
    """
    knots = np.array(corners, dtype=np.float64)
    knots = np.concatenate([knots[-1:], knots, knots[:2]] if closed else [knots[:1], knots, knots[-1:]])
    t = np.linspace(0, 1, 7)[:-1, None]
    before, start, end, after = (knots[shift : len(knots) - 3 + shift, None] for shift in range(4))
    pieces = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * (start - end) + after - before) * t**3
    )
    curve: Points = pieces.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def clouds(rng: np.random.Generator, cells: int, side_px: int = IMAGE_SIDE_PX) -> Plane:
    """Smooth noise [side, side] around 0, about -1..1, with `cells` cells to a side."""
    grid = Image.fromarray(rng.normal(0, 0.5, (cells, cells)).astype(np.float32))
    return np.asarray(grid.resize((side_px, side_px), Image.Resampling.BICUBIC))
