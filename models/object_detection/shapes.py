"""The six kinds of object, each as a small picture on nothing, in as many colours and patterns as it takes.

Drawn about twice as large as a scene ever shows them, in units of half a canvas: (0, 0) is the middle, x to the
right, y down, and the object reaches about from -0.95 to 0.95 in the longer direction.
"""

import colorsys
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

_CANVAS_PX = 224
_HALF_PX = _CANVAS_PX / 2


class Sketch:
    """A transparent canvas, and the two colours that its object is painted in."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.image = Image.new("RGBA", (_CANVAS_PX, _CANVAS_PX))
        self.draw = ImageDraw.Draw(self.image)
        self.paint, self.trim = _paint(rng)

    def polygon(self, points: Points, colour: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon([_pixels(x, y) for x, y in points], fill=colour)

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour | None) -> None:
        """A filled ellipse; without a colour, a hole."""
        self.draw.ellipse(_bounds(x, y, radius_x, radius_y), fill=colour or (0, 0, 0, 0))

    def ring(self, x: float, y: float, radius: float, thickness: float, colour: Colour) -> None:
        """The outline of a circle, inside its radius."""
        width = max(1, round(thickness * _HALF_PX))
        self.draw.arc(_bounds(x, y, radius, radius), 0, 360, fill=colour, width=width)


def _ball(sketch: Sketch) -> None:
    rng, bounds = sketch.rng, _bounds(0, 0, 0.95, 0.95)
    sketch.ellipse(0, 0, 0.95, 0.95, sketch.paint)
    pattern = rng.integers(3)
    if pattern == 0:  # a beach ball
        slices, turn = 2 * int(rng.integers(2, 5)), 360 * rng.random()
        for number in range(0, slices, 2):
            start = turn + number * 360 / slices
            sketch.draw.pieslice(bounds, start, start + 360 / slices, fill=sketch.trim)
        sketch.ellipse(0, 0, 0.16, 0.16, sketch.trim)
    elif pattern == 1:  # a band around the middle
        lift = rng.uniform(15, 40)
        sketch.draw.chord(bounds, 180 + lift, 360 - lift, fill=sketch.trim)
        sketch.draw.chord(bounds, lift, 180 - lift, fill=sketch.trim)
    sketch.ellipse(-0.35, -0.4, 0.2, 0.15, _lighter(sketch.paint, 0.6))


def _box(sketch: Sketch) -> None:
    """A parcel from above and the right: front, lid, side, and the tape that closes it."""
    rng = sketch.rng
    top, depth = rng.uniform(-0.45, 0.1), rng.uniform(0.3, 0.5)
    left, right, bottom = -0.9, 0.9 - depth, 0.9
    rise = depth * rng.uniform(0.6, 1.0)
    sketch.rectangle(left, top, right, bottom, sketch.paint)
    lid = [(left, top), (left + depth, top - rise), (right + depth, top - rise), (right, top)]
    side = [(right, top), (right + depth, top - rise), (right + depth, bottom - rise), (right, bottom)]
    sketch.polygon(lid, _lighter(sketch.paint, 0.35))
    sketch.polygon(side, _darker(sketch.paint, 0.6))
    middle, half = (left + right) / 2, 0.1
    sketch.rectangle(middle - half, top, middle + half, top + (bottom - top) * rng.uniform(0.3, 1.0), sketch.trim)
    over_lid = [(middle - half, top), (middle + half, top)]
    over_lid += [(x + depth, top - rise) for x in (middle + half, middle - half)]
    sketch.polygon(over_lid, _lighter(sketch.trim, 0.2))


def _cup(sketch: Sketch) -> None:
    rng = sketch.rng
    waist, foot = rng.uniform(0.5, 0.62), rng.uniform(0.32, 0.5)
    sketch.ring(0.48, 0.05, 0.42, 0.15, _darker(sketch.paint, 0.85))
    x = -0.25
    sketch.polygon([(x - waist, -0.65), (x + waist, -0.65), (x + foot, 0.85), (x - foot, 0.85)], sketch.paint)
    sketch.ellipse(x, 0.85, foot, 0.1, sketch.paint)
    if rng.random() < 0.6:
        height = rng.uniform(0.1, 0.35)
        at = rng.uniform(-0.2, 0.2)
        narrow = waist - (waist - foot) * (at + height + 0.65) / 1.5
        sketch.rectangle(x - narrow, at, x + narrow, at + height, sketch.trim)
    sketch.ellipse(x, -0.65, waist, 0.2, _lighter(sketch.paint, 0.4))
    sketch.ellipse(x, -0.63, waist * 0.85, 0.14, _darker(sketch.trim, 0.5))


def _star(sketch: Sketch) -> None:
    inner = sketch.rng.uniform(0.36, 0.48)
    sketch.polygon(_star_points(0.98, inner), sketch.paint)
    if sketch.rng.random() < 0.5:
        sketch.polygon(_star_points(0.68, inner * 0.68), sketch.trim)


def _star_points(outer: float, inner: float) -> Points:
    turns = [(number * math.pi / 5, inner if number % 2 else outer) for number in range(10)]
    return [(radius * math.sin(angle), -radius * math.cos(angle)) for angle, radius in turns]


def _bottle(sketch: Sketch) -> None:
    rng = sketch.rng
    body, neck, shoulder = rng.uniform(0.3, 0.42), rng.uniform(0.1, 0.15), rng.uniform(-0.35, -0.1)
    right = [(neck, -0.8), (neck, shoulder - 0.2), (body * 0.7, shoulder - 0.07), (body, shoulder + 0.08), (body, 0.95)]
    sketch.polygon(right + [(-x, y) for x, y in reversed(right)], sketch.paint)
    sketch.rectangle(-neck - 0.04, -0.97, neck + 0.04, -0.78, sketch.trim)
    if rng.random() < 0.75:
        label = rng.uniform(0.15, 0.35)
        sketch.rectangle(-body, label, body, label + rng.uniform(0.2, 0.4), _lighter(sketch.trim, 0.5))
    sketch.rectangle(-body * 0.75, shoulder + 0.15, -body * 0.5, 0.85, _lighter(sketch.paint, 0.45))


def _key(sketch: Sketch) -> None:
    rng = sketch.rng
    bow, shaft = rng.uniform(0.32, 0.42), rng.uniform(0.07, 0.1)
    centre = bow - 0.96
    sketch.rectangle(centre, -shaft, 0.95, shaft, sketch.paint)
    teeth = int(rng.integers(2, 4))
    for number in range(teeth):
        end = 0.95 - number * 0.22
        sketch.rectangle(end - 0.12, 0, end, shaft + rng.uniform(0.16, 0.28), sketch.paint)
    sketch.ellipse(centre, 0, bow, bow, sketch.paint)
    sketch.ring(centre, 0, bow, 0.06, _darker(sketch.paint, 0.7))
    sketch.ellipse(centre, 0, bow * 0.5, bow * 0.5, None)


_DRAWN_BY: Mapping[str, tuple[Callable[[Sketch], None], float]] = {
    "ball": (_ball, 180),
    "box": (_box, 25),
    "cup": (_cup, 30),
    "star": (_star, 180),
    "bottle": (_bottle, 75),
    "key": (_key, 180),
}
"""Kind -> what draws it, and how far it may lean to either side, in degrees."""

KINDS = tuple(_DRAWN_BY)
"""The classes in the order of their ids, which count from 1 as in a label map."""


def draw_object(kind: str, longer_side_px: int, rng: np.random.Generator) -> Image.Image:
    """An RGBA picture of one object, cut to its outline, its longer side `longer_side_px`."""
    draw, most_lean = _DRAWN_BY[kind]
    sketch = Sketch(rng)
    draw(sketch)
    lit = _lit(sketch.image, rng)
    if rng.random() < 0.5:
        lit = lit.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = lit.rotate(rng.uniform(-most_lean, most_lean), Image.Resampling.BILINEAR, expand=True)
    whole = turned.crop(turned.getchannel("A").point(lambda alpha: 255 * (alpha > 127)).getbbox())
    scale = longer_side_px / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    return whole.resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)


def _lit(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Light from one side, and a little grain."""
    pixels = np.asarray(image).astype(np.float32)
    across = np.linspace(-1, 1, _CANVAS_PX, dtype=np.float32)
    angle, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.35)
    light = 1 + strength * (math.cos(angle) * across[None, :] + math.sin(angle) * across[:, None])
    grain = rng.standard_normal((_CANVAS_PX // 4, _CANVAS_PX // 4), dtype=np.float32) * rng.uniform(0, 14)
    pixels[..., :3] *= light[..., None]
    pixels[..., :3] += grain.repeat(4, axis=0).repeat(4, axis=1)[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _paint(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Two colours that can be told from one another."""
    hue, value = rng.random(), rng.uniform(0.35, 1.0)
    first = _from_hsv(hue, rng.uniform(0.3, 1.0), value)
    apart = hue + rng.uniform(0.2, 0.8)
    return first, _from_hsv(apart, rng.uniform(0.1, 1.0), 1.0 if value < 0.65 else rng.uniform(0.2, 0.6))


def _from_hsv(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _lighter(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(level + (255 - level) * share) for level in colour)
    return red, green, blue


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(level * share) for level in colour)
    return red, green, blue


def _pixels(x: float, y: float) -> tuple[float, float]:
    return (x + 1) * _HALF_PX, (y + 1) * _HALF_PX


def _bounds(x: float, y: float, radius_x: float, radius_y: float) -> tuple[float, float, float, float]:
    return *_pixels(x - radius_x, y - radius_y), *_pixels(x + radius_x, y + radius_y)
