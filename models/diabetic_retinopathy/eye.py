"""The healthy eye behind a drawing: where the landmarks lie, and its tree of vessels.

Arteries and veins leave the optic disc in pairs, one pair to each quadrant; the temporal pairs arch
around the fovea, which no vessel enters.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from models.diabetic_retinopathy.canvas import Ink, Points

_STEP = 0.03  # field units between the points of a path
_SHORTEST = 3  # a path of fewer points left the field at once, or began in the fovea


@dataclass(frozen=True, slots=True)
class Eye:
    """Landmarks of one eye, in field units. `axis` is the direction from disc to fovea in radians."""

    disc: tuple[float, float]
    disc_radius: float
    fovea: tuple[float, float]
    axis: float
    span: float  # from disc to fovea: every anatomical size follows from it


@dataclass(frozen=True, slots=True)
class Vessel:
    """One vessel: its path [k, 2] from the disc outwards, its width there, and how dark its blood is."""

    path: Points
    width: float
    density: int
    is_vein: bool
    order: int  # 0 a trunk from the disc, 1 its branches, 2 theirs
    quadrant: int  # 0..3, the pair of trunks it belongs to


def random_eye(rng: np.random.Generator) -> Eye:
    """A left or right eye, centred anywhere from the fovea to the disc, the camera held a little askew."""
    span = rng.uniform(0.62, 0.88)
    axis = rng.normal(0.08, 0.10)  # the fovea lies slightly below the disc
    if rng.random() < 0.5:
        axis = math.pi - axis
    direction = np.array([math.cos(axis), math.sin(axis)])
    centring = rng.uniform(-0.05, 0.45) if rng.random() < 0.8 else rng.uniform(0.45, 1.0)
    fovea = direction * span * centring + rng.normal(0, 0.05, 2)
    disc = fovea - direction * span
    return Eye(
        disc=(float(disc[0]), float(disc[1])),
        disc_radius=span * rng.uniform(0.17, 0.225),
        fovea=(float(fovea[0]), float(fovea[1])),
        axis=axis,
        span=span,
    )


def grow_vessels(eye: Eye, rng: np.random.Generator) -> list[Vessel]:
    """The whole tree: a vein and an artery for each quadrant, with two orders of branches."""
    tortuosity = rng.uniform(0.05, 0.15)
    trunks = _trunks(eye, tortuosity, rng)
    branches = _branches(trunks, eye, tortuosity, rng)
    return trunks + branches + _branches(branches, eye, tortuosity, rng)


def draw_vessels(tree: list[Vessel], beaded_quadrants: frozenset[int], ink: Ink) -> None:
    """Arteries first, veins over them. The trunk veins of `beaded_quadrants` swell and narrow in turn."""
    for vessel in sorted(tree, key=lambda one: (one.is_vein, -one.order)):
        points = len(vessel.path)
        pieces = max(1, min(5, points // 7))
        bounds = np.linspace(0, points - 1, pieces + 1).astype(int)
        for piece, (first, last) in enumerate(itertools.pairwise(bounds)):
            width = vessel.width * (1 - 0.55 * piece / pieces)
            ink.line(vessel.path[first : last + 1], width, vessel.density)
            if not vessel.is_vein and width > 0.014:  # the light that arteries reflect along their middle
                ink.line(vessel.path[first : last + 1], 0.004, int(vessel.density * 0.6))
        if vessel.is_vein and vessel.order == 0 and vessel.quadrant in beaded_quadrants:
            _draw_beads(vessel, ink)


def _draw_beads(vessel: Vessel, ink: Ink) -> None:
    """Swellings at uneven distances, so that no bead follows the last one's size exactly."""
    for place, point in enumerate(vessel.path[6::3]):
        radius = vessel.width * (0.62 + 0.2 * ((place * 7) % 5) / 4)
        ink.ellipse(point, radius, radius, vessel.density)


def _trunks(eye: Eye, tortuosity: float, rng: np.random.Generator) -> list[Vessel]:
    quadrant = np.repeat(np.arange(4), 2)
    side = np.where(quadrant % 2, 1, -1)  # above or below the disc
    temporal = quadrant < 2  # these rise from the disc, then bend around the fovea; nasal ones run straighter
    leave = np.where(temporal, rng.uniform(1.3, 1.9, 8), rng.uniform(1.7, 2.3, 8))
    settle = np.where(temporal, rng.uniform(-0.25, 0.2, 8), rng.uniform(2.2, 2.9, 8))
    bend = eye.span * np.where(temporal, rng.uniform(0.42, 0.62, 8), rng.uniform(0.3, 0.7, 8))
    length = np.where(temporal, 2.0, 1.4)
    start = eye.disc + rng.normal(0, 0.15, (8, 2)) * eye.disc_radius
    heading, settle = eye.axis + side * leave, eye.axis + side * settle
    paths = _walk(eye, tortuosity, rng, start=start, heading=heading, settle=settle, bend=bend, length=length)

    calibre = rng.uniform(0.85, 1.15)
    vein_density, artery_density = int(rng.integers(165, 225)), int(rng.integers(95, 150))
    return [
        Vessel(path, calibre * rng.uniform(0.023, 0.030), vein_density, True, 0, int(which))
        if place % 2
        else Vessel(path, calibre * rng.uniform(0.016, 0.023), artery_density, False, 0, int(which))
        for place, (path, which) in enumerate(zip(paths, quadrant, strict=True))
        if len(path) > _SHORTEST
    ]


def _branches(parents: list[Vessel], eye: Eye, tortuosity: float, rng: np.random.Generator) -> list[Vessel]:
    """One more order of branches, all walked at once."""
    forks: list[tuple[Vessel, int]] = []
    for parent in parents:
        points = len(parent.path)
        if points >= 8:
            many, first = (rng.integers(3, 7), 7) if parent.order == 0 else (rng.integers(0, 4), 2)
            forks += [(parent, int(fork)) for fork in rng.integers(min(first, points - 3), points - 2, many)]
    if not forks:
        return []
    start = np.array([parent.path[fork] for parent, fork in forks])
    ahead = np.array([parent.path[fork + 1] for parent, fork in forks]) - start
    count = len(forks)
    heading = np.arctan2(ahead[:, 1], ahead[:, 0])
    turn = rng.choice((-1, 1), count) * rng.uniform(0.4, 1.0, count)
    settle = heading + turn * rng.uniform(0.1, 1.1, count)
    longest = 0.8 if parents[0].order == 0 else 0.4
    length = rng.uniform(0.3, 1.0, count) * longest
    bend = np.full(count, 0.3)
    paths = _walk(
        eye, tortuosity * 1.4, rng, start=start, heading=heading + turn, settle=settle, bend=bend, length=length
    )
    return [
        Vessel(
            path,
            width=max(0.004, parent.width * rng.uniform(0.35, 0.65)),
            density=int(parent.density * rng.uniform(0.65, 0.95)),
            is_vein=parent.is_vein,
            order=parent.order + 1,
            quadrant=parent.quadrant,
        )
        for (parent, _), path in zip(forks, paths, strict=True)
        if len(path) > _SHORTEST
    ]


def _walk(
    eye: Eye,
    tortuosity: float,
    rng: np.random.Generator,
    *,
    start: Points,
    heading: Points,
    settle: Points,
    bend: Points,
    length: Points,
) -> list[Points]:
    """Paths [k, 2] that turn from `heading` to `settle` within about `bend`, wandering on their way.

    `start` is [n, 2], the other arrays [n]. A path ends where it leaves the field or would enter the fovea.
    """
    count, steps = len(start), int(length.max() / _STEP)
    travelled = np.arange(steps) * _STEP
    # A sine keeps the wandering smooth: independent noise at each step alone would look shaky.
    phase, wave = rng.uniform(0, 2 * math.pi, (count, 1)), rng.uniform(0.18, 0.45, (count, 1))
    wander = 2 * tortuosity * np.sin(2 * math.pi * travelled / wave + phase)
    wander += np.cumsum(rng.normal(0, tortuosity * 0.35, (count, steps)), axis=1)
    angle = settle[:, None] + (heading - settle)[:, None] * np.exp(-travelled / bend[:, None]) + wander
    paths = np.cumsum(np.stack([np.cos(angle), np.sin(angle)], axis=2), axis=1) * _STEP + start[:, None]
    outside = np.hypot(paths[..., 0], paths[..., 1]) > 1.06
    in_fovea = np.hypot(paths[..., 0] - eye.fovea[0], paths[..., 1] - eye.fovea[1]) < 0.17 * eye.span
    stop = outside | in_fovea | (travelled >= length[:, None])
    stop[:, -1] = True
    return [path[:end] for path, end in zip(paths, stop.argmax(axis=1), strict=True)]
