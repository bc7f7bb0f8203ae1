"""Sets of drawn portraits, each image from its own random stream.

The stream of an image is (seed, which set, its number), so training and held-out images never share one,
and the set is the same however many processes draw it.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.face_mask.canvas import IMAGE_SIDE_PX
from models.face_mask.mask import Worn
from models.face_mask.portrait import draw_wearer, random_wearing

LABELS = 2
_CHUNK_IMAGES = 20


class Split(IntEnum):
    """Which set a stream belongs to; the number is part of the stream's key."""

    TRAINING = 0
    HELD_OUT = 1


@dataclass(frozen=True, slots=True)
class Dataset:
    """Portraits uint8 [n, 96, 96, 3], their labels int64 [n] (0 with_mask, 1 without_mask), and how masks are worn."""

    photos: NDArray[np.uint8]
    labels: NDArray[np.int64]
    worn: list[Worn]


def draw_dataset(count: int, split: Split, seed: int) -> Dataset:
    """Draws `count` portraits on all available cores, with a progress bar; image i has label i % 2."""
    photos = np.empty((count, IMAGE_SIDE_PX, IMAGE_SIDE_PX, 3), dtype=np.uint8)
    worn: list[Worn] = []
    chunks = [(seed, split, first, min(first + _CHUNK_IMAGES, count)) for first in range(0, count, _CHUNK_IMAGES)]
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    spawning = multiprocessing.get_context("spawn")
    bar = tqdm(total=count, desc=f"drawing {split.name.lower()}", unit="image")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawning) as pool, bar:
        for (_, _, first, end), (drawn, wearing) in zip(chunks, pool.map(_draw_chunk, chunks), strict=True):
            photos[first:end] = drawn
            worn += wearing
            bar.update(end - first)
    return Dataset(photos, np.arange(count) % LABELS, worn)


def _draw_chunk(chunk: tuple[int, Split, int, int]) -> tuple[NDArray[np.uint8], list[Worn]]:
    seed, split, first, end = chunk
    photos, worn = [], []
    for number in range(first, end):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(split, number)))
        worn.append(random_wearing(number % LABELS, rng))
        photos.append(draw_wearer(worn[-1], rng))
    return np.stack(photos), worn
