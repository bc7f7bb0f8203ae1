"""Held-out examples where a job has no channel of them: as large a share of every class, and at least one."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def stratified(labels: Sequence[Hashable], share: float, seed: int) -> tuple[Indices, Indices]:
    """The indices of `labels` to train on and those to validate on, each ascending; the same seed splits the same.

    Of a class with two examples or more some are in both; the only one of its class is trained on. Raises ValueError
    for a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; give one between 0 and 1")
    members: dict[Hashable, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    rng = np.random.default_rng(seed)
    training: list[int] = []
    validation: list[int] = []
    for indices in members.values():
        held_out = min(max(round(share * len(indices)), 1), len(indices) - 1)
        shuffled = rng.permutation(indices).tolist()
        validation += shuffled[:held_out]
        training += shuffled[held_out:]
    return np.array(sorted(training), np.int64), np.array(sorted(validation), np.int64)
