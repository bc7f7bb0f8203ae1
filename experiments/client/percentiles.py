"""Percentiles of measured times: of the values that there are, none between them."""

from collections.abc import Sequence
from math import ceil, inf


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that `percent` of them do not pass (nearest rank); infinite of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(round(len(ordered) * percent / 100, 9)) - 1)] if ordered else inf
