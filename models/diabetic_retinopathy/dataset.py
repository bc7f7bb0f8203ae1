"""Sets of drawn photographs, each image from its own random stream.

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

from models.diabetic_retinopathy.canvas import IMAGE_SIDE_PX
from models.diabetic_retinopathy.fundus import draw_fundus
from models.diabetic_retinopathy.icdr import GRADES

_CHUNK_IMAGES = 20


class Split(IntEnum):
    """Which set a stream belongs to; the number is part of the stream's key."""

    TRAINING = 0
    HELD_OUT = 1


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photographs uint8 [n, 224, 224, 3] and their grades int64 [n], as many of each grade as possible."""

    photos: NDArray[np.uint8]
    grades: NDArray[np.int64]


def draw_dataset(count: int, split: Split, seed: int) -> Dataset:
    """Draws `count` photographs on all available cores, with a progress bar; image i has grade i % 5."""
    photos = np.empty((count, IMAGE_SIDE_PX, IMAGE_SIDE_PX, 3), dtype=np.uint8)
    chunks = [(seed, split, first, min(first + _CHUNK_IMAGES, count)) for first in range(0, count, _CHUNK_IMAGES)]
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    spawning = multiprocessing.get_context("spawn")
    bar = tqdm(total=count, desc=f"drawing {split.name.lower()}", unit="image")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawning) as pool, bar:
        for (_, _, first, end), drawn in zip(chunks, pool.map(_draw_chunk, chunks), strict=True):
            photos[first:end] = drawn
            bar.update(end - first)
    return Dataset(photos, np.arange(count) % GRADES)


def _draw_chunk(chunk: tuple[int, Split, int, int]) -> NDArray[np.uint8]:
    seed, split, first, end = chunk
    return np.stack(
        [
            draw_fundus(number % GRADES, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(split, number))))
            for number in range(first, end)
        ]
    )
