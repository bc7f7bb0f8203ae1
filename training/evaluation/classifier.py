"""The measures of a classifier, each over many resamples at once, and what a report shows of it beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """What n examples are, labels [n], and what a model made of them, probabilities [n, classes].

    `positive` is the class that the measures of a binary classifier are about; None makes them macro averages.
    """

    labels: Ints
    probabilities: Floats
    positive: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for labels and probabilities that do not belong together."""
        shape = self.probabilities.shape
        if len(shape) != 2 or shape[0] != len(self.labels) or not len(self.labels):
            raise ValueError(f"{len(self.labels)} labels and probabilities of {shape}; give [n] and [n, classes]")
        if self.labels.min() < 0 or self.labels.max() >= shape[1] or not np.isfinite(self.probabilities).all():
            raise ValueError("a label outside the classes, or a probability that is no number")

    @property
    def predicted(self) -> Ints:
        """The likeliest class of each example, [n]; the first of those alike."""
        best: Ints = self.probabilities.argmax(axis=1)
        return best

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.probabilities.shape[1])

    def confusion(self) -> Ints:
        """Counts of examples, [true, predicted]."""
        counts = np.bincount(self.labels * self.classes + self.predicted, minlength=self.classes**2)
        return counts.reshape(self.classes, self.classes).astype(np.int64)


class ClassifierMeasures:
    """Accuracy, precision, recall, F1 and ROC AUC, as bootstrap.Measures.

    Of a binary classifier they are those of the positive class; else the mean over the classes that have an example in
    the resample (macro). Precision is 0 where a class was never answered. Where a resample holds no example of the
    positive class, all but accuracy are not defined. ROC AUC is one class against the rest; it is the share of pairs
    that are ranked rightly, ties counting half (Hanley & McNeil, Radiology 143, 1982), and it is not defined at all
    when one of the classes has no example.
    """

    def __init__(self, answers: Answers) -> None:
        classes = np.arange(answers.classes)
        self._true = (answers.labels[:, None] == classes).astype(np.float64)
        self._said = (answers.predicted[:, None] == classes).astype(np.float64)
        self._positive = answers.positive
        of = classes if answers.positive is None else classes[[answers.positive]]
        are_there = bool(self._true[:, of].any(axis=0).all())
        self._rankings = [_Ranking(answers.probabilities[:, one], self._true[:, one]) for one in of if are_there]

    def __call__(self, weights: Floats) -> Mapping[str, Floats]:
        """Weights [r, n] -> the value of each measure, [r]."""
        found, there, said = (weights @ kind for kind in (self._true * self._said, self._true, self._said))
        per_class = {
            "precision": found / np.maximum(said, 1),
            "recall": found / np.maximum(there, 1),
            "f1": 2 * found / np.maximum(there + said, 1),
        }
        areas = np.stack([ranking.area(weights) for ranking in self._rankings], axis=1) if self._rankings else None
        return {
            "accuracy": found.sum(axis=1) / weights.sum(axis=1),
            **{name: self._of_all(values, there) for name, values in per_class.items()},
            "roc_auc": np.full(len(weights), np.nan) if areas is None else _mean(areas, np.isfinite(areas)),
        }

    def _of_all(self, values: Floats, there: Floats) -> Floats:
        """Values [r, classes] of each class and its examples -> the one of interest, or their mean, [r]."""
        if self._positive is None:
            return _mean(values, there > 0)
        only: Floats = np.where(there[:, self._positive] > 0, values[:, self._positive], np.nan)
        return only


class _Ranking:
    """The examples in the order of one class's probability; those alike are one group."""

    def __init__(self, scores: Floats, is_class: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        self._groups = np.flatnonzero(np.diff(scores[self._order], prepend=-np.inf))
        self._is_class = is_class[self._order]

    def area(self, weights: Floats) -> Floats:
        """ROC AUC of each resample, [r]; NaN without an example of the class, or with no other."""
        ordered = weights[:, self._order]
        own = np.add.reduceat(ordered * self._is_class, self._groups, axis=1)
        other = np.add.reduceat(ordered * (1 - self._is_class), self._groups, axis=1)
        below = other.cumsum(axis=1) - other / 2
        pairs = own.sum(axis=1) * other.sum(axis=1)
        return _ratio((own * below).sum(axis=1), pairs)


def _mean(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """The mean of the counted of each row; NaN where none is."""
    total, count = np.where(counted, values, 0).sum(axis=1), counted.sum(axis=1)
    return _ratio(total, count)


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where nothing is below."""
    ratio: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio
