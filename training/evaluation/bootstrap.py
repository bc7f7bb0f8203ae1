"""How far a measure would move on other examples of the same kind: the bootstrap's percentile intervals.

Efron & Tibshirani, An Introduction to the Bootstrap, 1993: chapter 13 for the percentile interval. A resample draws as
many examples as there are, with replacement; it is kept as the number of times that each was drawn, its weights, so
that a measure goes through many resamples at once. Two models are compared on the same resamples: whatever makes a
resample hard for one makes it hard for the other, and drops out of the difference.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
_SEED = 1993
_DIGITS = 6
_CHUNK_VALUES = 2_000_000  # 16 MB of weights at a time

Floats = NDArray[np.float64]
Measures = Callable[[Floats], Mapping[str, Floats]]
"""Weights [r, n] of n examples in r resamples -> the value of each measure [r], NaN where it is not defined."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure's value on the examples as they are, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of two models, and of candidate - current; None where it is not defined or there is no current."""

    candidate: Interval | None
    current: Interval | None = None
    difference: Interval | None = None

    def as_json(self) -> dict[str, dict[str, float] | None]:
        """As evaluation.json holds it, rounded so that equal models differ in nothing."""
        return {
            model: interval and {end: round(value, _DIGITS) for end, value in interval.items()}
            for model, interval in asdict(self).items()
        }


def compare(
    candidate: Measures, current: Measures | None, examples: int, resamples: int = RESAMPLES
) -> dict[str, Comparison]:
    """Each measure of the candidate beside that of the current model, which answered the same `examples`.

    A resample in which a measure is not defined, because it happens to hold no example of a class, is left out of that
    measure's interval. One that is defined on all examples is so in at least half of the resamples.
    """
    whole = np.ones((1, examples))
    points = [measures(whole) for measures in (candidate, current) if measures]
    chunks = [
        [measures(weights) for measures in (candidate, current) if measures]
        for weights in _resampled(examples, resamples)
    ]
    drawn = [
        {name: np.concatenate([chunk[model][name] for chunk in chunks]) for name in point}
        for model, point in enumerate(points)
    ]
    if current is None:
        return {name: Comparison(_interval(points[0][name], drawn[0][name])) for name in points[0]}
    (ours, theirs), (our_draws, their_draws) = points, drawn
    return {
        name: Comparison(
            _interval(ours[name], our_draws[name]),
            _interval(theirs[name], their_draws[name]),
            _interval(ours[name] - theirs[name], our_draws[name] - their_draws[name]),
        )
        for name in ours
    }


def _resampled(examples: int, resamples: int) -> Iterator[Floats]:
    """Weights [r, examples], a few resamples at a time; the same ones whenever it is asked."""
    rng = np.random.default_rng(_SEED)
    at_once = max(1, _CHUNK_VALUES // examples)
    with tqdm(total=resamples, desc="resampling", unit="resample", leave=False) as bar:
        for first in range(0, resamples, at_once):
            rows = min(at_once, resamples - first)
            drawn = rng.integers(examples, size=(rows, examples)) + np.arange(rows)[:, None] * examples
            yield np.bincount(drawn.ravel(), minlength=rows * examples).reshape(rows, examples).astype(np.float64)
            bar.update(rows)


def _interval(point: Floats, drawn: Floats) -> Interval | None:
    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(point[0]) or not len(defined):
        return None
    low, high = np.percentile(defined, PERCENTILES)
    return Interval(float(point[0]), float(low), float(high))
