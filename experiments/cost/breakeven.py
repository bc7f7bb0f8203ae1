"""From how many requests a day on an endpoint that is free while idle costs as much as instances that are always on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from experiments.cost.monthly import daily_capacity, monthly
from experiments.cost.prices import PriceTable
from experiments.cost.stage import Served
from models.realtime import RealtimeEndpoint

_HALVINGS = 200  # more than a float has bits


class Pair(NamedTuple):
    """An endpoint that is free while idle, and instances that are always on, for the same requests."""

    idle: Served
    steady: Served

    def lasting(self, seconds: float) -> "Pair":
        """The same with requests of `seconds`."""
        asked = replace(self.idle.request, seconds=seconds)
        return Pair(replace(self.idle, request=asked), self.steady)

    def difference(self, per_day: float, prices: PriceTable) -> float:
        """US dollars a month that the first costs more than the second. Raises NoPrice."""
        first, second = (monthly(each.settings, self.idle.request, per_day, prices).usd for each in self)
        return first - second


def pairs(endpoints: Sequence[Served]) -> Iterator[Pair]:
    """Of each model, every endpoint that is free while idle with every one that is always on."""
    for idle in endpoints:
        for steady in endpoints:
            if (
                idle.model == steady.model
                and _is_free_while_idle(idle)
                and isinstance(steady.settings, RealtimeEndpoint)
                and not _is_free_while_idle(steady)
            ):
                yield Pair(idle, steady)


def _is_free_while_idle(each: Served) -> bool:
    return getattr(each.settings, "min_instances", 0) == 0 or bool(getattr(each.settings, "component", None))


def break_even(pair: Pair, prices: PriceTable) -> float | None:
    """The fewest requests a day at which both cost the same; None if that is more than all the instances serve.

    While the number of instances stays the same the second cost is a straight line and the first bends at most once, so
    they meet once or not at all; where an instance is added only the second rises. Raises NoPrice.
    """
    steady, low = pair.steady.settings, 0.0
    for count in range(steady.min_instances, steady.max_instances + 1):
        high = float(count * daily_capacity(steady))
        if pair.difference(high, prices) >= 0:
            return _meeting(pair, low, high, prices)
        low = high
    return None


def _meeting(pair: Pair, low: float, high: float, prices: PriceTable) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if pair.difference(middle, prices) < 0:
            low = middle
        else:
            high = middle
    return high
