"""Held-out examples where a job has no channel of them, and how much an example of each class counts."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.examples import Example
from training.errors import UnusableData

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


def split_examples(examples: Sequence[Example], share: float, seed: int) -> tuple[Sequence[Example], Sequence[Example]]:
    """The same of pictures, (training, validation). Raises UnusableData for a label with a single one."""
    counts = Counter(one.label for one in examples)
    lonely = next((one for one in examples if counts[one.label] == 1), None)
    if lonely:
        raise UnusableData(
            f"{lonely.file.name} is the only example of its label; give two or more of each, or a channel validation"
        )
    training, validation = stratified([one.label for one in examples], share, seed)
    return [examples[index] for index in training], [examples[index] for index in validation]


def class_weights(labels: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """What an example of each of `count` labels counts, n / (count * n of the label): rare ones as much as frequent.

    G. King and L. Zeng, "Logistic Regression in Rare Events Data", 2001; scikit-learn calls it "balanced".
    """
    weights: NDArray[np.float32] = (len(labels) / (count * np.bincount(labels, minlength=count))).astype(np.float32)
    return weights
