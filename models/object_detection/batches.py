"""Batches of records as the network learns from them: in a new order each time round, varied by the augmentations.

A batch depends on the seed and on its number alone: a training that goes on after step 40 gets the 41st.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.object_detection.plan import Plan
from models.object_detection.records import Records
from models.object_detection.targets import encode

Float32 = NDArray[np.float32]


class Batches:
    """Of as many pictures as the plan says."""

    def __init__(self, records: Records, plan: Plan, seed: int) -> None:
        self._records = records
        self._position = {number: at for at, number in enumerate(plan.labels, 1)}
        self._plan = plan
        self._seed = seed

    def batch(self, step: int) -> tuple[Float32, Float32]:
        """Pixels [n, height, width, 3] in -1..1 and targets of step `step`, counted from 1."""
        first = (step - 1) * self._plan.batch_pictures
        numbers = range(first, first + self._plan.batch_pictures)
        pixels, targets = zip(*(self._example(number) for number in numbers), strict=True)
        return (np.stack(pixels) / 127.5 - 1).astype(np.float32), np.stack(targets)

    def _example(self, number: int) -> tuple[Float32, Float32]:
        epoch, at = divmod(number, len(self._records.places))
        chosen = int(_order(len(self._records.places), self._seed, epoch)[at])
        pixels, boxes = self._plan.framing.framed(self._records.image(chosen), self._records.boxes[chosen])
        rng = np.random.default_rng((self._seed, 1, number))
        floats = pixels.astype(np.float32)
        for augment in self._plan.augmentations:
            floats, boxes = augment(floats, boxes, rng)
        classes = np.array([self._position[number] for number in self._records.classes[chosen].tolist()], np.int64)
        return floats, encode(boxes, classes, self._plan.framing.geometry)


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 0, epoch)).permutation(count)
