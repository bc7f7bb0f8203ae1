"""Sets of drawn scenes as the network sees them, each scene from its own random stream.

The stream of a scene is (seed, which set, its number), so training and held-out scenes never share one,
and the set is the same however many processes draw it.
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from models.labels import Labels
from models.object_detection.geometry import Geometry
from models.object_detection.scenes import Scene, draw_scene
from models.object_detection.shapes import KINDS

INPUT_SIDE_PX = 256
DRAWN = Geometry(INPUT_SIDE_PX, INPUT_SIDE_PX, len(KINDS))
"""Of the network that the demonstration trains."""
LABELS: Labels = dict(enumerate(KINDS, 1))

_CHUNK_SCENES = 20


class Split(IntEnum):
    """Which set a stream belongs to; the number is part of the stream's key."""

    TRAINING = 0
    HELD_OUT = 1


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures uint8 [n, 256, 256, 3], and for each its boxes [k, 4] and classes [k] as in a Scene."""

    pictures: NDArray[np.uint8]
    boxes: Sequence[NDArray[np.float32]]
    classes: Sequence[NDArray[np.int64]]


def scene_of(split: Split, seed: int, number: int) -> Scene:
    """The scene that is number `number` of its set."""
    return draw_scene(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(split, number))))


def as_input(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A scene's picture with the pixels that the network takes, resized as the server does."""
    side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    return np.asarray(Image.fromarray(picture).resize(side, Image.Resampling.BILINEAR))


def draw_dataset(count: int, split: Split, seed: int) -> Dataset:
    """Draws `count` scenes on all available cores, with a progress bar."""
    pictures = np.empty((count, INPUT_SIDE_PX, INPUT_SIDE_PX, 3), np.uint8)
    boxes: list[NDArray[np.float32]] = []
    classes: list[NDArray[np.int64]] = []
    for scene in draw_scenes(count, split, seed):
        pictures[len(boxes)] = as_input(scene.image)
        boxes.append(scene.boxes)
        classes.append(scene.classes)
    return Dataset(pictures, boxes, classes)


def draw_scenes(count: int, split: Split, seed: int) -> Iterator[Scene]:
    """The first `count` scenes of a set, as they are drawn on all available cores, with a progress bar."""
    chunks = [(split, seed, first, min(first + _CHUNK_SCENES, count)) for first in range(0, count, _CHUNK_SCENES)]
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    spawning = multiprocessing.get_context("spawn")
    bar = tqdm(total=count, desc=f"drawing {split.name.lower()}", unit="scene")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawning) as pool, bar:
        for drawn in pool.map(_draw_chunk, chunks):
            yield from drawn
            bar.update(len(drawn))


def _draw_chunk(chunk: tuple[Split, int, int, int]) -> list[Scene]:
    split, seed, first, end = chunk
    return [scene_of(split, seed, number) for number in range(first, end)]
