"""Sets of drawn slices in pairs: each head once without a tumour and once with one, in the same scanner.

Pairs show a network what it is to look at: without them it took several times as long to learn anything at all. Each
pair has its own random stream, so a set is the same however many processes draw it.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.brain_tumor.scanner import SLICE_SIDE_PX
from models.brain_tumor.slices import CLASSES, draw_slice

_CHUNK_IMAGES = 20

Chunk = tuple[int, int, int]  # seed, first number, number after the last


@dataclass(frozen=True, slots=True)
class Dataset:
    """Greyscale slices uint8 [n, 128, 128] and their classes int64 [n], 0 (no) and 1 (yes) in turn."""

    slices: NDArray[np.uint8]
    labels: NDArray[np.int64]


def draw_dataset(count: int, seed: int, name: str) -> Dataset:
    """Draws `count` slices on all available cores; the progress bar calls them `name`."""
    slices = np.empty((count, SLICE_SIDE_PX, SLICE_SIDE_PX), dtype=np.uint8)
    chunks = [(seed, first, min(first + _CHUNK_IMAGES, count)) for first in range(0, count, _CHUNK_IMAGES)]
    # Spawned, not forked: the threads of a framework do not survive a fork.
    spawning = multiprocessing.get_context("spawn")
    bar = tqdm(total=count, desc=f"drawing {name}", unit="image")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawning) as pool, bar:
        for (_, first, end), drawn in zip(chunks, pool.map(_draw_chunk, chunks), strict=True):
            slices[first:end] = drawn
            bar.update(end - first)
    return Dataset(slices, np.arange(count) % CLASSES)


def _draw_chunk(chunk: Chunk) -> NDArray[np.uint8]:
    seed, first, end = chunk
    return np.stack([draw_numbered(seed, number) for number in range(first, end)])


def draw_numbered(seed: int, number: int) -> NDArray[np.uint8]:
    """Slice `number` of the set that `seed` makes."""
    pair, label = divmod(number, CLASSES)
    return draw_slice(label, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(pair,))))
