"""Curves and histograms of a classifier's scores, as the report's plots draw them."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Floats

HISTOGRAM_BINS = 20
_MOST_POINTS = 200  # more than a plot has pixels to show


def roc_curve(is_class: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates from (0, 0) to (1, 1), as the score to accept falls; at most 201 points of each.

    Both kinds of example must be there.
    """
    best_first = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[best_first])), len(scores) - 1)  # the last of those alike
    own, other = is_class[best_first].cumsum()[ends], (~is_class[best_first]).cumsum()[ends]
    false = np.concatenate([[0.0], other / other[-1]])
    true = np.concatenate([[0.0], own / own[-1]])
    kept = thinned(len(false))
    return false[kept], true[kept]


def thinned(points: int) -> NDArray[np.int64]:
    """The places of at most 201 of so many points, with the first and the last."""
    return np.unique(np.linspace(0, points - 1, min(points, _MOST_POINTS + 1)).round().astype(np.int64))


def histogram(scores: Floats) -> list[int]:
    """How many scores lie in each of 20 bins of equal width from 0 to 1."""
    counts, _ = np.histogram(scores.clip(0, 1), bins=HISTOGRAM_BINS, range=(0, 1))
    return [int(count) for count in counts]
