"""Whether a model that is 90 % sure is right nine times of ten."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.classifier import Answers

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The examples whose confidence lies above `low` and at most at `high`: how many, how sure, how often right.

    `confidence` and `accuracy` are None for a bin without examples.
    """

    low: float
    high: float
    examples: int
    confidence: float | None
    accuracy: float | None


def reliability(answers: Answers) -> list[Bin]:
    """The reliability curve: 15 bins of equal width over the probability of the likeliest class.

    Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 2.
    """
    confidence, is_right = answers.probabilities.max(axis=1), answers.predicted == answers.labels
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    bins = []
    for number, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        inside = place == number
        count = int(inside.sum())
        means = (float(confidence[inside].mean()), float(is_right[inside].mean())) if count else (None, None)
        bins.append(Bin(low, high, count, *means))
    return bins


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean distance of confidence and accuracy over the examples (Guo et al. 2017, equation 3): 0 is calibrated."""
    distances = [
        one.examples * abs(one.accuracy - one.confidence)
        for one in bins
        if one.accuracy is not None and one.confidence is not None
    ]
    return sum(distances) / sum(one.examples for one in bins)
