"""What the objects stand in front of: walls, cloth, planks, and clutter that must not be taken for an object."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.float32]


def draw_background(side_px: int, rng: np.random.Generator) -> Image.Image:
    """A square RGB picture with no object in it."""
    kinds = (_gradient, _cloudy, _striped, _tiled)
    pixels = kinds[rng.integers(len(kinds))](side_px, rng)
    pixels += rng.standard_normal((side_px, side_px, 1), dtype=np.float32) * np.float32(rng.uniform(0, 12))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    _clutter(ImageDraw.Draw(image), side_px, rng)
    return image


def _colour(rng: np.random.Generator) -> Pixels:
    grey = rng.uniform(20, 235)
    return (grey + rng.uniform(-70, 70, 3)).clip(0, 255).astype(np.float32)


def _gradient(side_px: int, rng: np.random.Generator) -> Pixels:
    across = np.linspace(-0.5, 0.5, side_px, dtype=np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    share = 0.5 + 0.7 * (math.cos(angle) * across[None, :] + math.sin(angle) * across[:, None])
    first, second = _colour(rng), _colour(rng)
    mixed: Pixels = first + share[..., None].astype(np.float32) * (second - first)
    return mixed


def _cloudy(side_px: int, rng: np.random.Generator) -> Pixels:
    cells = int(rng.integers(3, 30))
    noise = rng.uniform(-1, 1, (cells, cells, 3)) * rng.uniform(10, 55)
    if rng.random() < 0.6:
        noise[:] = noise[..., :1]
    coarse = Image.fromarray((_colour(rng) + noise).clip(0, 255).astype(np.uint8))
    return np.asarray(coarse.resize((side_px, side_px), Image.Resampling.BICUBIC)).astype(np.float32)


def _striped(side_px: int, rng: np.random.Generator) -> Pixels:
    y, x = np.mgrid[:side_px, :side_px].astype(np.float32)
    angle, period = rng.uniform(0, math.pi), rng.uniform(14, 90)
    wave = np.sin((math.cos(angle) * x + math.sin(angle) * y) * (2 * math.pi / period))
    share = np.clip(0.5 + wave * rng.uniform(0.5, 3), 0, 1).astype(np.float32)
    first = _colour(rng)
    second = (first + rng.uniform(-60, 60)).clip(0, 255)
    mixed: Pixels = (first + share[..., None] * (second - first)).astype(np.float32)
    return mixed


def _tiled(side_px: int, rng: np.random.Generator) -> Pixels:
    tile = int(rng.integers(24, 90))
    cells = side_px // tile + 2
    shades = _colour(rng) + rng.uniform(-28, 28, (cells, cells, 1))
    y, x = (np.arange(side_px) + rng.integers(tile)) // tile, (np.arange(side_px) + rng.integers(tile)) // tile
    tiles: Pixels = shades[y[:, None], x[None, :]].astype(np.float32)
    return tiles


def _clutter(draw: ImageDraw.ImageDraw, side_px: int, rng: np.random.Generator) -> None:
    """Lines, scribbles, arcs, triangles and empty frames."""
    for _ in range(rng.integers(0, 9)):
        colour = tuple(int(level) for level in _colour(rng))
        width = int(rng.integers(1, 6))
        kind = rng.integers(5)
        x, y = rng.uniform(0, side_px, 2)
        reach_x, reach_y = rng.uniform(10, 70, 2)
        if kind == 0:
            draw.line([(x, y), tuple(rng.uniform(0, side_px, 2))], fill=colour, width=width)
        elif kind == 1:
            steps = np.add((x, y), rng.uniform(-30, 30, (6, 2)).cumsum(axis=0))
            draw.line([tuple(step) for step in steps], fill=colour, width=width, joint="curve")
        elif kind == 2:
            start = rng.uniform(0, 360)
            bounds = (x, y, x + reach_x, y + reach_y)
            draw.arc(bounds, start, start + rng.uniform(60, 270), fill=colour, width=width)
        elif kind == 3:
            corners = rng.uniform(-1, 1, (3, 2)) * (reach_x / 2, reach_y / 2) + (x, y)
            draw.polygon([tuple(corner) for corner in corners], fill=colour)
        else:
            draw.rectangle((x, y, x + reach_x, y + reach_y), outline=colour, width=width)
