"""Batches of pictures as the network takes them, each the same whenever it is asked for.

A batch depends on the seed and on its step alone, so a training that goes on sees what it would have seen.
"""

import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray

from model_server.cores import cores
from model_server.preprocess import normalised
from models.input_output import InputSpec
from training.data.augmentation import Augmentation
from training.data.examples import Example
from training.data.pictures import Pictures, Pixels

_MOST_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs float32 [n, …] as model.toml lays them out, the numbers of their labels [n], and what each counts [n]."""

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingBatches:
    """Every example once in an epoch, in an order of the epoch's own, augmented where that is asked for."""

    examples: Sequence[Example[int]]
    pictures: Pictures
    spec: InputSpec
    size: int
    seed: int
    weights: NDArray[np.float32]
    augmentation: Augmentation | None

    def __len__(self) -> int:
        """How many make an epoch."""
        return math.ceil(len(self.examples) / self.size)

    def from_step(self, step: int) -> Generator[Batch]:
        """The batch of `step`, which counts from 0 over all epochs, and those after it; some are made ahead."""
        ahead_count = min(cores(), _MOST_AHEAD)
        with ThreadPoolExecutor(ahead_count) as pool:
            ahead = deque(pool.submit(self.batch, step + place) for place in range(ahead_count))
            for coming in count(step + ahead_count):
                yield ahead.popleft().result()
                ahead.append(pool.submit(self.batch, coming))

    def batch(self, step: int) -> Batch:
        """That of one step."""
        epoch, index = divmod(step, len(self))
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.examples))
        rng = np.random.default_rng((self.seed, epoch, index))
        chosen = [self.examples[place] for place in order[index * self.size : (index + 1) * self.size]]
        pixels = [_framed(self.pictures.pixels(one), self.spec) for one in chosen]
        if self.augmentation:
            pixels = [self.augmentation.apply(one, rng) for one in pixels]
        labels = np.array([one.truth for one in chosen])
        return Batch(np.stack([normalised(one, self.spec) for one in pixels]), labels, self.weights[labels])


def validation_batches(
    examples: Sequence[Example[int]], pictures: Pictures, spec: InputSpec, size: int
) -> Iterator[NDArray[np.float32]]:
    """The inputs of all examples in their order, as they are served: at most `size` together, and of one shape."""
    for first in range(0, len(examples), size):
        inputs = [normalised(pictures.pixels(one), spec) for one in examples[first : first + size]]
        for _, alike in groupby(inputs, lambda one: one.shape):
            yield np.stack(list(alike))


def _framed(pixels: Pixels, spec: InputSpec) -> Pixels:
    """The middle of a picture whose longer side is free, so that those of a batch have one shape; others are whole."""
    if spec.size is None or spec.resize != "shorter-side":
        return pixels
    (height, width), (rows, columns, _) = spec.size, pixels.shape
    top, left = (rows - height) // 2, (columns - width) // 2
    return pixels[top : top + height, left : left + width]
