"""The Population Stability Index (PSI): how far a distribution has moved from that of a baseline.

    PSI = Σ (now_i - baseline_i) · ln(now_i / baseline_i)        over bins i of shares

N. Siddiqi, Credit Risk Scorecards (Wiley, 2006), where it is called the system stability index; it is the symmetric
Kullback-Leibler divergence of Jeffreys. Below 0.10 is little change, above 0.25 a significant one: a convention of
E. M. Lewis, An Introduction to Credit Scoring (1994), and Siddiqi, not a test. B. Yurdakul and J. Naranjo, "Statistical
properties of the population stability index" (Journal of Risk Model Validation, 2020): without any change PSI is about
(1/n + 1/m) · χ² of as many degrees of freedom as there are bins less one, for n and m values. So FEWEST values keep
nine freedoms below 0.10 (their 95th percentile, 16.9, over 200, beside a larger baseline, is 0.085).
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from monitoring.errors import BaselineFault

BINS, FEWEST = 10, 200
LITTLE, SIGNIFICANT = 0.10, 0.25
OTHER = "other"
_PRIOR = 0.5  # added to each bin's count (Jeffreys): the logarithm of an empty bin's share is finite

Value = float | str


@dataclass(frozen=True, slots=True)
class Bins:
    """Where values fall: between `edges`, which are deciles of the baseline, or on `names`, each a value of its own."""

    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Sequence[Value]) -> Self:
        """For labels, and numbers of which there are few, such as the width of pictures of one camera, by value."""
        distinct = Counter(values)
        if len(distinct) <= BINS or any(isinstance(value, str) for value in distinct):
            return cls(names=(*(_name(value) for value, _ in distinct.most_common(BINS)), OTHER))
        ordered = sorted(float(value) for value in values)
        deciles = (ordered[len(ordered) * at // BINS] for at in range(1, BINS))
        return cls(edges=tuple(dict.fromkeys(deciles)))

    def count(self, values: Iterable[Value]) -> list[int]:
        """How many of `values` fall into each bin."""
        if self.names:
            counted = Counter(_name(value) for value in values)
            known = [counted.pop(name, 0) for name in self.names[:-1]]
            return [*known, counted.total()]
        placed = Counter(bisect_right(self.edges, float(value)) for value in values)
        return [placed[at] for at in range(len(self.edges) + 1)]


def psi(baseline: Sequence[int], now: Sequence[int]) -> float:
    """Of two lists of counts, of the same bins. It is 0 for the same shares, and has no upper bound."""
    pairs = zip(_shares(baseline), _shares(now), strict=True)
    return sum((after - before) * math.log(after / before) for before, after in pairs)


def verdict(value: float) -> str:
    """`stable`, `moderate` or `significant`."""
    return "stable" if value < LITTLE else "moderate" if value <= SIGNIFICANT else "significant"


def read_bins(content: Mapping[str, Any]) -> tuple[Bins, list[int]]:
    """Bins and counts as baseline.json has them. Raises BaselineFault."""
    bins = Bins(tuple(content.get("edges", ())), tuple(content.get("names", ())))
    counts: list[int] = content.get("counts", [])
    if len(counts) != (len(bins.names) or len(bins.edges) + 1) or not sum(counts):
        raise BaselineFault("its bins and counts do not fit; make it anew with `python -m monitoring baseline`")
    return bins, counts


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + _PRIOR * len(counts)
    return [(count + _PRIOR) / total for count in counts]


def _name(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"
