"""Hair, what is worn on the head and below it, and things before the face: as likely with a mask as without."""

import numpy as np

from models.face_mask.canvas import Canvas, Colour, Points, mix, oval, smooth
from models.face_mask.face import head_outline
from models.face_mask.person import Hair, Headwear, Person, any_colour

_BLACK: Colour = (12, 10, 10)


def draw_behind(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """What lies behind the head: long or round hair, or the back of a headscarf."""
    if person.headwear is Headwear.HEADSCARF:
        canvas.fill(_drop(person, 1.3, rng.uniform(1.4, 1.9)), mix(person.cloth, _BLACK, 0.2), lift=None)
    elif person.hair is Hair.LONG:
        back = _drop(person, rng.uniform(1.12, 1.5), rng.uniform(0.6, 1.9))
        canvas.fill(back, person.hair_colour, lift=None, softness=0.02)
    elif person.hair is Hair.ROUND:
        radius = rng.uniform(1.2, 1.7)
        canvas.fill(
            oval(0, -0.25, person.half_width * radius, radius * 0.75), person.hair_colour, lift=None, softness=0.04
        )


def draw_clothes(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """Shoulders, a collar, now and then a scarf that reaches the chin."""
    width, top = rng.uniform(1.3, 2.1), rng.uniform(1.2, 1.45)
    shoulders = [(-width, 2.6), (-width * 0.95, top + 0.35), (-0.45, top), (0, top + 0.22), (0.45, top)]
    shoulders += [(width * 0.95, top + 0.35), (width, 2.6)]
    canvas.fill(np.array(shoulders), person.shirt, lift=None)
    if rng.random() < 0.5:
        collar = smooth([(-0.6, top - 0.1), (0, top + rng.uniform(0.15, 0.5)), (0.6, top - 0.1)], closed=False)
        canvas.line(collar, any_colour(rng), rng.uniform(0.05, 0.25), lift=None)
    if rng.random() < 0.14:
        upper = rng.uniform(0.82, 1.05)  # below the mouth, so it never counts as a mask
        w = person.half_width
        scarf = [
            (-w * 1.1, upper - 0.15),
            (0, upper + 0.08),
            (w * 1.1, upper - 0.15),
            (w * 1.25, 1.5),
            (-w * 1.25, 1.5),
        ]
        canvas.fill(smooth(scarf), person.cloth, lift=None)
        for _ in range(3):
            fold = np.array([(-w, upper + rng.uniform(0.1, 0.5)), (w, upper + rng.uniform(0.1, 0.5))])
            canvas.line(fold, mix(person.cloth, _BLACK, 0.35), 0.04, lift=None, opacity=0.6, softness=0.02)


def draw_hair(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """The hair over the forehead, with strands."""
    if person.hair is Hair.BALD or person.headwear is Headwear.HEADSCARF:
        return
    outer = head_outline(person, rng.uniform(1.04, 1.18))
    side = rng.uniform(-0.35, 0.1) if person.hair is Hair.SHORT else rng.uniform(0.0, 0.7)
    hairline, parting = rng.uniform(-0.75, -0.4), rng.uniform(-0.5, 0.5) * person.half_width
    w = person.half_width * rng.uniform(0.82, 0.97)
    inner = smooth(
        [
            (w * 1.15, side),
            (w, side - 0.1),
            (w * 0.75, hairline + 0.12),
            (parting, hairline),
            (-w * 0.75, hairline + 0.12),
            (-w, side - 0.1),
            (-w * 1.15, side),
        ],
        closed=False,
    )
    crown = outer[outer[:, 1] < side]
    order = np.argsort(np.arctan2(crown[:, 0], -crown[:, 1]))
    canvas.fill(np.concatenate([crown[order], inner]), person.hair_colour, lift=None, softness=0.012)
    for _ in range(rng.integers(3, 12)):
        tint = mix(person.hair_colour, (255, 240, 210) if rng.random() < 0.5 else _BLACK, rng.uniform(0.1, 0.4))
        start = rng.uniform(-0.9, 0.9) * person.half_width
        strand = smooth([(parting, -1.02), (start, -0.85), (start * 1.15, hairline)], closed=False)
        canvas.line(strand, tint, 0.025, lift=None, opacity=0.6, softness=0.01)


def draw_headwear(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """A cap with its visor, a beanie, or a headscarf around the face."""
    outer = head_outline(person, 1.14)
    w, brim = person.half_width, rng.uniform(-0.55, -0.3)
    dark = mix(person.cloth, _BLACK, 0.3)
    if person.headwear in (Headwear.CAP, Headwear.BEANIE):
        dome = outer[outer[:, 1] < brim]
        order = np.argsort(np.arctan2(dome[:, 0], -dome[:, 1]))
        canvas.fill(
            np.concatenate([dome[order], [(w, brim + 0.03), (0, brim - 0.02), (-w, brim + 0.03)]]),
            person.cloth,
            lift=None,
        )
        band = smooth([(-w * 1.05, brim), (0, brim + 0.05), (w * 1.05, brim)], closed=False)
        if person.headwear is Headwear.BEANIE:
            canvas.line(band, dark, rng.uniform(0.12, 0.25), lift=None)
        else:
            visor = smooth(
                [(-w * 0.9, brim), (0, brim - 0.06), (w * 0.9, brim), (w * 0.5, brim + 0.2), (-w * 0.5, brim + 0.2)]
            )
            canvas.fill(visor, dark, lift=0.1)
    elif person.headwear is Headwear.HEADSCARF:
        face = smooth(
            [
                (0, -0.72),
                (w * 0.75, -0.4),
                (w * 0.88, 0.2),
                (w * 0.6, 0.88),
                (0, 1.06),
                (-w * 0.6, 0.88),
                (-w * 0.88, 0.2),
                (-w * 0.75, -0.4),
            ]
        )
        around = _drop(person, 1.16, 1.35)
        # One polygon with a hole: out along the scarf, back along the face.
        canvas.fill(np.concatenate([around, around[:1], face[:1], face[::-1]]), person.cloth, lift=None)
        for side in (-1, 1):
            fold = smooth([(side * w * 0.9, -0.5), (side * w * 1.05, 0.3), (side * w * 0.5, 1.2)], closed=False)
            canvas.line(fold, dark, 0.05, lift=None, opacity=0.6, softness=0.03)


def draw_hand(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """A hand at the mouth, the cheek or the chin: it hides what a mask hides, and is none."""
    x, y = rng.uniform(-0.5, 0.5), rng.uniform(0.65, 1.15)
    skin = mix(person.skin, (120, 60, 50), rng.uniform(0.05, 0.25))
    lean = rng.uniform(-0.6, 0.6)
    canvas.fill(np.array([(x - 0.28, y + 0.3), (x + 0.28, y + 0.3), (x + 0.5, 2.5), (x - 0.3, 2.5)]), skin, lift=None)
    canvas.fill(oval(x, y + 0.2, 0.33, 0.3), skin, lift=None)
    for finger in range(4):
        root = x - 0.24 + 0.16 * finger
        tip = (root + lean * 0.4, y - rng.uniform(0.15, 0.45))
        canvas.line(np.array([(root, y + 0.2), tip]), mix(skin, _BLACK, 0.25), 0.16, lift=None)
        canvas.line(np.array([(root, y + 0.2), tip]), skin, 0.13, lift=None)


def draw_cup(canvas: Canvas, rng: np.random.Generator) -> None:
    """A cup at the lips."""
    x, y, colour = rng.uniform(-0.15, 0.15), rng.uniform(0.55, 0.75), any_colour(rng)
    half, height = rng.uniform(0.2, 0.32), rng.uniform(0.5, 0.9)
    cup = np.array([(x - half, y), (x + half, y), (x + half * 0.8, y + height), (x - half * 0.8, y + height)])
    canvas.fill(cup, colour, lift=None)
    canvas.fill(oval(x, y, half, 0.06), mix(colour, _BLACK, 0.4), lift=None)


def _drop(person: Person, wider: float, bottom: float) -> Points:
    w = person.half_width * wider
    return smooth(
        [
            (0, -1.08),
            (w * 0.75, -0.85),
            (w, -0.2),
            (w * 1.05, bottom * 0.6),
            (w * 0.7, bottom),
            (-w * 0.7, bottom),
            (-w * 1.05, bottom * 0.6),
            (-w, -0.2),
            (-w * 0.75, -0.85),
        ]
    )
