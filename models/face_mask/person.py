"""Who is drawn: skin, hair, features, clothes. Nothing here depends on whether a mask is worn."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

import numpy as np

from models.face_mask.canvas import Colour, mix

_SKINS: tuple[Colour, ...] = (
    (255, 226, 204),
    (244, 203, 174),
    (228, 178, 140),
    (203, 146, 106),
    (158, 104, 70),
    (112, 72, 50),
    (74, 48, 38),
)
_HAIRS: tuple[Colour, ...] = (
    (18, 15, 14),
    (38, 26, 20),
    (74, 48, 32),
    (110, 74, 44),
    (170, 128, 78),
    (218, 186, 128),
    (142, 66, 34),
    (128, 126, 124),
    (214, 212, 208),
)
_LIPS: tuple[Colour, ...] = ((150, 60, 60), (178, 34, 52), (196, 92, 100), (120, 42, 52), (214, 110, 96))
_IRISES: tuple[Colour, ...] = ((52, 32, 20), (88, 56, 30), (96, 104, 64), (86, 116, 146))


Kind = TypeVar("Kind", bound=Enum)


class Hair(Enum):
    """How the hair is worn."""

    BALD = auto()
    SHORT = auto()
    LONG = auto()
    ROUND = auto()


class Headwear(Enum):
    """What covers the hair."""

    NONE = auto()
    CAP = auto()
    BEANIE = auto()
    HEADSCARF = auto()


class Beard(Enum):
    """What grows below the nose."""

    NONE = auto()
    STUBBLE = auto()
    MOUSTACHE = auto()
    GOATEE = auto()
    FULL = auto()


class Glasses(Enum):
    """What stands before the eyes."""

    NONE = auto()
    CLEAR = auto()
    SUN = auto()


@dataclass(frozen=True, slots=True)
class Person:
    """Colours, and where the features lie in head units."""

    skin: Colour
    hair_colour: Colour
    lips: Colour
    iris: Colour
    shirt: Colour
    cloth: Colour  # of headwear and scarf
    hair: Hair
    headwear: Headwear
    beard: Beard
    glasses: Glasses
    half_width: float
    jaw: float  # how much narrower the face is at the chin
    eye_x: float
    eye_y: float
    eye_size: float
    nose_y: float  # of its tip
    nose_width: float
    mouth_y: float
    mouth_width: float
    smile: float  # above 0 the corners rise
    mouth_open: float


def random_person(rng: np.random.Generator) -> Person:
    """Anyone: skins from light to dark are equally likely."""
    tone = rng.uniform(0, len(_SKINS) - 1.001)
    skin = _shifted(mix(_SKINS[int(tone)], _SKINS[int(tone) + 1], tone % 1), 9, rng)
    hair_colour = any_colour(rng) if rng.random() < 0.04 else _shifted(_pick(_HAIRS, rng), 12, rng)
    lips = mix(skin, _pick(_LIPS, rng), rng.uniform(0.2, 0.55) if rng.random() < 0.7 else rng.uniform(0.6, 1.0))
    return Person(
        skin=skin,
        hair_colour=hair_colour,
        lips=lips,
        iris=_pick(_IRISES, rng),
        shirt=any_colour(rng),
        cloth=any_colour(rng),
        hair=chosen(Hair, (0.1, 0.4, 0.35, 0.15), rng),
        headwear=chosen(Headwear, (0.76, 0.08, 0.08, 0.08), rng),
        beard=chosen(Beard, (0.55, 0.13, 0.08, 0.08, 0.16), rng),
        glasses=chosen(Glasses, (0.7, 0.22, 0.08), rng),
        half_width=rng.uniform(0.66, 0.84),
        jaw=rng.uniform(0.08, 0.38),
        eye_x=rng.uniform(0.29, 0.36),
        eye_y=rng.uniform(-0.08, 0.06),
        eye_size=rng.uniform(0.085, 0.125),
        nose_y=rng.uniform(0.36, 0.46),
        nose_width=rng.uniform(0.10, 0.18),
        mouth_y=rng.uniform(0.60, 0.69),
        mouth_width=rng.uniform(0.18, 0.32),
        smile=rng.uniform(-0.04, 0.12),
        mouth_open=0.0 if rng.random() < 0.5 else rng.uniform(0.03, 0.14),
    )


def chosen(kinds: type[Kind], shares: tuple[float, ...], rng: np.random.Generator) -> Kind:
    """One of `kinds`, each with its share."""
    return list(kinds)[int(rng.choice(len(shares), p=shares))]


def any_colour(rng: np.random.Generator) -> Colour:
    """Clothes have every colour; every third is white, grey or black."""
    if rng.random() < 0.35:
        grey = rng.uniform(15, 245)
        return _shifted((grey, grey, grey), 6, rng)
    red, green, blue = rng.uniform(10, 245, 3).tolist()
    return red, green, blue


def _pick(palette: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return palette[int(rng.integers(len(palette)))]


def _shifted(colour: Colour, spread: float, rng: np.random.Generator) -> Colour:
    red, green, blue = (np.array(colour) + rng.normal(0, spread, 3)).clip(4, 255).tolist()
    return red, green, blue
