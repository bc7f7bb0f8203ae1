"""Draws shapes to learn from. With pictures of your own at hand, remove this file, and `draw` from train.py."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

LABELS = ("circle", "square", "triangle")  # as in model.toml
SIDE = 64

Pixels = NDArray[np.uint8]


def draw_shape(label: int, rng: np.random.Generator) -> Pixels:
    """One picture, (64, 64, 3): a shape of random size, place, turn and colour on another colour, with noise."""
    paper, ink = (rng.integers(0, 256, 3) for _ in range(2))
    while np.abs(paper - ink).sum() < 150:
        ink = rng.integers(0, 256, 3)
    image = Image.new("RGB", (SIDE, SIDE), tuple(map(int, paper)))
    radius = rng.uniform(10, 24)
    x, y = rng.uniform(radius, SIDE - radius, 2)
    pen = ImageDraw.Draw(image)
    if label == 0:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), tuple(map(int, ink)))
    else:
        corners = {1: 4, 2: 3}[label]
        pen.regular_polygon((x, y, radius), corners, rng.uniform(0, 360), tuple(map(int, ink)))
    noisy = np.asarray(image) + rng.normal(0, rng.uniform(0, 20), (SIDE, SIDE, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def draw_dataset(count: int, seed: int) -> tuple[Pixels, NDArray[np.int64]]:
    """`count` pictures, (count, 64, 64, 3), as many of each label, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(LABELS)
    return np.stack([draw_shape(label, rng) for label in tqdm(labels, desc="drawing")]), labels
