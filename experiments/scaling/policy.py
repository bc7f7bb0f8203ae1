"""What Application Auto Scaling decides, minute by minute, from the figures that CloudWatch has: no clock, no queue.

Target tracking works by two alarms that AWS makes: three of three one-minute datapoints above the target scale out,
fifteen of fifteen below 90 % of it scale in (as an endpoint's own alarms were listed in repost.aws "SageMaker
autoscaling delay"; AWS documents neither number). It adds "as fast as it can" and removes "more gradually"
(Application Auto Scaling User Guide, "Target tracking scaling policies"): here as many as the target asks for are
added at once, and one is removed at a time, never one that the last quarter of an hour needed: the last stays as long
as anything came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, nan

PERIOD_S = 60
OUT_POINTS, IN_POINTS = 3, 15
IN_BELOW = 0.9  # of the target
METRIC_DELAY_S = 60.0  # assumed: from a minute's end until its figure is there and the alarms have looked


@dataclass(frozen=True, slots=True)
class Point:
    """What is known of one minute. `metric` is NaN where there was no instance to divide by: an alarm has no data."""

    arrivals: int = 0
    instances: float = 0.0
    """Those that served, on average; of functions, the most that were busy at once."""
    load: float = 0.0
    """What the instances share: requests of the minute, or jobs that wait or are worked on at its end."""
    metric: float = nan
    """The load for each instance."""
    refused: int = 0
    cold: int = 0
    asks_for_the_first: bool = False
    """Whether somebody waited or was refused because there was no instance at all."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The keys of model.toml; from zero instances, `wake_cooldown_s` is that of the alarm that brings the first."""

    target: float
    least: int
    most: int
    out_cooldown_s: float = 60.0
    in_cooldown_s: float = 300.0
    wake_cooldown_s: float = 300.0


class Tracking:
    """A policy at work: remembers its cooldowns, which begin when what it did has come about."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._out_from = self._in_from = self._wake_from = 0.0

    def desired(self, points: Sequence[Point], instances: int, now: float) -> int:
        """How many there should be, by the minutes known so far, with `instances` there."""
        policy = self.policy
        if not instances:
            return int(bool(points) and points[-1].asks_for_the_first and now >= self._wake_from)
        last, low = points[-OUT_POINTS:], points[-IN_POINTS:]
        is_high = len(last) == OUT_POINTS and all(point.metric > policy.target for point in last)
        if is_high and now >= self._out_from:
            return max(instances, min(policy.most, ceil(last[-1].load / policy.target)))
        is_low = len(low) == IN_POINTS and all(point.metric < IN_BELOW * policy.target for point in low)
        if is_low and now >= self._in_from:
            needed = max(ceil(point.load / policy.target) or bool(point.arrivals) for point in low)
            return min(instances, max(policy.least, needed, instances - 1))
        return instances

    def scaled(self, before: int, after: int, now: float) -> None:
        """The change has come about."""
        if after > before:
            self._out_from = now + self.policy.out_cooldown_s
            if not before:
                self._wake_from = now + self.policy.wake_cooldown_s
        else:
            self._in_from = now + self.policy.in_cooldown_s
