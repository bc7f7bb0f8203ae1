"""Face masks: surgical, cup-shaped and cloth ones, worn over nose and mouth or in one of the wrong places."""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto

import numpy as np
from PIL import Image, ImageDraw

from models.face_mask.canvas import DRAWN_SIDE_PX, Canvas, Colour, Points, mix, rounded, smooth
from models.face_mask.person import Person, any_colour, chosen

_BLACK: Colour = (10, 10, 12)
_WHITE: Colour = (240, 242, 242)
_SURGICAL: tuple[Colour, ...] = (
    (150, 196, 226),
    (112, 176, 216),
    (182, 212, 230),
    (150, 206, 190),
    (112, 186, 160),
    (236, 240, 242),
    (238, 200, 210),
    (34, 34, 38),
)


class Worn(IntEnum):
    """Where a mask sits. Only PROPERLY is "with_mask": over the nose, the mouth and the chin."""

    PROPERLY = 0
    NOT_AT_ALL = 1
    BELOW_NOSE = 2
    AT_CHIN = 3

    @property
    def label(self) -> int:
        """The place of its label in model.toml."""
        return int(self is not Worn.PROPERLY)


class _Kind(Enum):
    SURGICAL = auto()
    CUP = auto()
    CLOTH = auto()


@dataclass(frozen=True, slots=True)
class _Edges:
    """The mask's border in head units: y of its upper and lower edge in the middle and at the sides, x of the sides."""

    top: float
    side_top: float
    side_bottom: float
    bottom: float
    side: float


def draw_mask(person: Person, worn: Worn, canvas: Canvas, rng: np.random.Generator) -> None:
    """The mask with its straps; nothing for NOT_AT_ALL."""
    if worn is Worn.NOT_AT_ALL:
        return
    kind = chosen(_Kind, (0.5, 0.15, 0.35), rng)
    edges = _edges(person, worn, rng)
    colour = _colour(kind, person, rng)
    _draw_straps(person, edges, colour, canvas, rng)
    lift = 0.12 if kind is _Kind.CUP else 0.06
    outline = _outline(edges, kind, rng)
    canvas.fill(outline, mix(person.skin, _BLACK, 0.5), lift=lift - 0.04, opacity=0.5, softness=0.03)  # its shadow
    canvas.fill(outline, _cloth(colour, rng) if kind is _Kind.CLOTH and rng.random() < 0.6 else colour, lift=lift)
    _draw_relief(kind, edges, colour, canvas, rng)


def _edges(person: Person, worn: Worn, rng: np.random.Generator) -> _Edges:
    side = person.half_width * rng.uniform(0.72, 0.97)
    if worn is Worn.PROPERLY:
        top = person.eye_y + rng.uniform(0.1, 0.26)
        return _Edges(top, top + rng.uniform(0.02, 0.18), rng.uniform(0.68, 0.92), rng.uniform(0.98, 1.16), side)
    if worn is Worn.BELOW_NOSE:
        top = person.nose_y + rng.uniform(0.08, 0.13)
        return _Edges(top, top + rng.uniform(-0.12, 0.05), rng.uniform(0.75, 0.95), rng.uniform(1.02, 1.2), side)
    top = person.mouth_y + rng.uniform(0.17, 0.28)
    return _Edges(top, top - rng.uniform(0.0, 0.2), rng.uniform(0.95, 1.05), rng.uniform(1.12, 1.3), side * 0.95)


def _colour(kind: _Kind, person: Person, rng: np.random.Generator) -> Colour:
    if kind is _Kind.CUP:
        return _WHITE if rng.random() < 0.75 else mix(any_colour(rng), _BLACK, 0.3)
    if kind is _Kind.SURGICAL:
        return mix(_SURGICAL[int(rng.integers(len(_SURGICAL)))], any_colour(rng), rng.uniform(0, 0.15))
    chance = rng.random()
    if chance < 0.3:
        return mix(_BLACK, (60, 60, 66), rng.random())
    return mix(person.skin, any_colour(rng), 0.15) if chance < 0.36 else any_colour(rng)


def _outline(edges: _Edges, kind: _Kind, rng: np.random.Generator) -> Points:
    """From the left upper corner along the nose, then back along the chin."""
    bridge = rng.uniform(0.0, 0.09) if kind is not _Kind.CUP else 0.05  # bent over the nose, or straight
    middle = edges.side * 0.5
    upper = [(-edges.side, edges.side_top), (-middle, edges.top + bridge), (0, edges.top), (middle, edges.top + bridge)]
    jaw = (edges.side_bottom + edges.bottom * 2) / 3
    lower = [(edges.side, edges.side_top), (edges.side * 0.98, edges.side_bottom), (middle, jaw), (0, edges.bottom)]
    return smooth([*upper, *lower, (-middle, jaw), (-edges.side * 0.98, edges.side_bottom)])


def _draw_straps(person: Person, edges: _Edges, colour: Colour, canvas: Canvas, rng: np.random.Generator) -> None:
    strap = mix(colour, _WHITE if rng.random() < 0.6 else _BLACK, rng.uniform(0.3, 1))
    width = rng.uniform(0.018, 0.05)
    around_head = rng.random() < 0.15
    for side in (-1, 1):
        ear = side * person.half_width * 1.02
        for from_y, to_y in (
            (edges.side_top + 0.03, person.eye_y - 0.02),
            (edges.side_bottom - 0.05, person.eye_y + 0.34),
        ):
            end = to_y - 0.35 if around_head and to_y < from_y - 0.05 else to_y
            line = canvas.pose.project(np.array([(side * edges.side * 0.97, from_y)]), 0.05)
            start = _back(canvas, line)
            canvas.line(np.array([start, (ear, end)]), strap, width, lift=None)


def _back(canvas: Canvas, pixel: Points) -> tuple[float, float]:
    """Head coordinates, as `Pose.place` takes them, of a pixel."""
    pose = canvas.pose
    x, y = (pixel[0] / DRAWN_SIDE_PX - pose.centre) / (pose.half_height * pose.squeeze, pose.half_height)
    cosine, sine = np.cos(pose.roll), np.sin(pose.roll)
    return float(x * cosine + y * sine), float(y * cosine - x * sine)


def _draw_relief(kind: _Kind, edges: _Edges, colour: Colour, canvas: Canvas, rng: np.random.Generator) -> None:
    """Pleats, seams and the wire over the nose."""
    dark, light = mix(colour, _BLACK, rng.uniform(0.12, 0.4)), mix(colour, _WHITE, rng.uniform(0.2, 0.6))
    lift = 0.12 if kind is _Kind.CUP else 0.06
    if kind is _Kind.SURGICAL:
        for part in np.linspace(0.3, 0.75, int(rng.integers(2, 5))):
            y = edges.top + part * (edges.bottom - edges.top)
            end = edges.side_top + part * (edges.side_bottom - edges.side_top)
            pleat = smooth([(-edges.side * 0.93, end), (0, y), (edges.side * 0.93, end)], closed=False)
            canvas.line(pleat, dark, rng.uniform(0.015, 0.04), lift=lift, opacity=rng.uniform(0.4, 0.9))
            canvas.line(pleat + np.array((0, 0.035)), light, 0.025, lift=lift, opacity=rng.uniform(0.1, 0.6))
    elif rng.random() < 0.7:
        seam = smooth(
            [(0, edges.top + 0.02), (0.0, (edges.top + edges.bottom) / 2), (0, edges.bottom - 0.02)], closed=False
        )
        canvas.line(seam, dark, rng.uniform(0.015, 0.035), lift=lift + 0.04, opacity=rng.uniform(0.4, 0.9))
    if rng.random() < 0.6:
        half = edges.side * 0.45
        wire = smooth([(-half, edges.top + 0.1), (0, edges.top + 0.05), (half, edges.top + 0.1)], closed=False)
        canvas.line(wire, light, rng.uniform(0.02, 0.05), lift=lift, opacity=rng.uniform(0.2, 0.8))
    below = smooth(
        [(-edges.side * 0.5, edges.bottom - 0.2), (0, edges.bottom - 0.08), (edges.side * 0.5, edges.bottom - 0.2)],
        closed=False,
    )
    canvas.line(below, dark, 0.12, lift=lift, opacity=rng.uniform(0, 0.5), softness=0.05)
    if rng.random() < 0.12:  # a valve or a print
        x, y = rng.uniform(-0.2, 0.2), rng.uniform(0.5, 0.8)
        half = rng.uniform(0.05, 0.12)
        spot = np.array([(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)])
        canvas.fill(spot, any_colour(rng), lift=lift + 0.04)


def _cloth(colour: Colour, rng: np.random.Generator) -> Image.Image:
    """A printed fabric as large as the canvas: stripes, dots or a plaid."""
    fabric = Image.new("RGB", (DRAWN_SIDE_PX, DRAWN_SIDE_PX), rounded(colour))
    draw, ink = ImageDraw.Draw(fabric), rounded(any_colour(rng))
    step, kind = int(rng.integers(6, 22)), rng.integers(3)
    thick = max(1, int(step * rng.uniform(0.2, 0.55)))
    for start in range(-DRAWN_SIDE_PX, 2 * DRAWN_SIDE_PX, step):
        if kind == 0:
            lean = DRAWN_SIDE_PX * int(rng.choice((0, 1)))
            draw.line((start, 0, start + lean, DRAWN_SIDE_PX), ink, thick)
        elif kind == 1:
            for row in range(0, DRAWN_SIDE_PX, step):
                draw.ellipse((start, row, start + thick, row + thick), fill=ink)
        else:
            draw.line((start, 0, start, DRAWN_SIDE_PX), ink, thick)
            draw.line((0, start, DRAWN_SIDE_PX, start), ink, max(1, thick // 2))
    return fabric
