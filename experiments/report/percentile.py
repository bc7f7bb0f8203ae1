"""Percentiles of what callers wait, where a share of them meets a cold start."""

from collections.abc import Sequence
from math import exp, inf

from experiments.cost.monthly import DAY_S


def mixed_percentile(warm: Sequence[float], cold: Sequence[float], cold_share: float, percent: float) -> float:
    """That of a mixture: `cold_share` of all are like one of `cold`, the others like one of `warm`, each as often.

    Where nobody measured what a share of them meets, that share waits for ever.
    """
    parts = ((warm, 1 - cold_share), (cold, cold_share))
    weighted = [(value, share / len(values)) for values, share in parts for value in values]
    below = 0.0
    for value, weight in sorted(weighted):
        below += weight
        if weight and below >= percent / 100 - 1e-12:
            return value
    return inf


def cold_share(per_day: float, idle_s: float) -> float:
    """The share of requests before which nobody asked for `idle_s`, so that whoever served has left.

    Requests come evenly at random, a Poisson process: the gap before each is exponential, and exceeds a time t with
    probability exp(-rate * t). One server at a time: where requests overlap, a second one starts cold, which is not
    counted.
    """
    return exp(-per_day / DAY_S * idle_s)
