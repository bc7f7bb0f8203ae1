"""What a simulated day came to: by the minute, and as a whole."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from experiments.scaling.policy import PERIOD_S, Point
from experiments.scaling.traffic import Traffic

LONG_S = 1.0


@dataclass(frozen=True)
class Day:
    """Waits are seconds until a worker began a request, a cold start's included, and not its own time."""

    traffic: Traffic
    waits: "array[float]"
    """Of each request; NaN where it was refused, or waited for instances that never came."""
    points: Sequence[Point]
    """Each minute."""
    instance_hours: float
    left: int
    """Requests that still waited at midnight."""

    @cached_property
    def served(self) -> Any:
        """Whether each request was answered in the end: an array of bool."""
        return ~np.isnan(np.frombuffer(self.waits))

    def wait_s(self, percent: float) -> float:
        """Of a hundred requests that were answered, so many waited no longer; NaN when none was."""
        waits = np.frombuffer(self.waits)[self.served]
        return float(np.percentile(waits, percent)) if len(waits) else float("nan")

    def waits_s(self, percent: float, minutes: int = 1) -> Any:
        """The same of the requests that came in each minute, or in so many: an array of floats."""
        waits, moments = np.frombuffer(self.waits), np.frombuffer(self.traffic.moments)
        ends = np.searchsorted(moments, PERIOD_S * np.arange(minutes, len(self.points), minutes))
        parts = (each[~np.isnan(each)] for each in np.split(waits, ends))
        return np.array([np.percentile(each, percent) if len(each) else np.nan for each in parts])

    @property
    def slow_share(self) -> float:
        """Of all requests: those that waited longer than a second, or got no answer."""
        if not len(self.traffic):
            return 0.0
        waits = np.frombuffer(self.waits)
        return float(np.mean(~(waits <= LONG_S)))

    @property
    def refused(self) -> int:
        """Requests for which there was no place: throttled, overloaded, or no instance at all."""
        return sum(point.refused for point in self.points)

    @property
    def cold_starts(self) -> int:
        """Environments that were started."""
        return sum(point.cold for point in self.points)

    @property
    def most(self) -> int:
        """Instances at most, or requests at once."""
        return ceil(max(point.instances for point in self.points))

    @property
    def billed_s(self) -> float:
        """Seconds that answers took, each begun millisecond whole."""
        services = np.frombuffer(self.traffic.services)[self.served]
        return float(np.sum(np.ceil(np.round(services * 1e6) / 1000)) / 1000)
