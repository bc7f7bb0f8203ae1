"""Sets of drawn clips, normalised as the server normalises what it gets.

Each clip has its own random stream, so a set is the same however many processes draw it.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.sign_language.clips import GLOSSES, draw_clip
from sign_language.normalisation import normalise

Drawing = Callable[[int, int], NDArray[np.float32]]

_CHUNK_CLIPS = 50


@dataclass(frozen=True, slots=True)
class Dataset:
    """Normalised clips, float32 [frames, 54, 2] each, and their signs int64 [n]: all in turn, again and again."""

    clips: Sequence[NDArray[np.float32]]
    labels: NDArray[np.int64]


def draw_dataset(count: int, seed: int, name: str) -> Dataset:
    """Draws `count` clips on all available cores; the progress bar calls them `name`."""
    return Dataset(_drawn(_draw_normalised, count, seed, name), np.arange(count) % len(GLOSSES))


def write_clips(file: Path, count: int, seed: int) -> None:
    """Writes the same clips to the NPZ `file`, not normalised, as training/data/landmark_files.py reads them."""
    clips = _drawn(draw_numbered, count, seed, "clips")
    named = {f"{GLOSSES[number % len(GLOSSES)]}/{number:05d}": clip for number, clip in enumerate(clips)}
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, allow_pickle=False, **named)


def _drawn(draw: Drawing, count: int, seed: int, name: str) -> list[NDArray[np.float32]]:
    # Spawned, not forked: the threads of a framework do not survive a fork.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawning) as pool:
        drawing = pool.map(partial(draw, seed), range(count), chunksize=_CHUNK_CLIPS)
        return list(tqdm(drawing, desc=f"drawing {name}", unit="clip", total=count))


def draw_numbered(seed: int, number: int) -> NDArray[np.float32]:
    """Clip `number` of the set that `seed` makes, as landmarks."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    return draw_clip(number % len(GLOSSES), rng)


def _draw_normalised(seed: int, number: int) -> NDArray[np.float32]:
    return normalise(draw_numbered(seed, number))
