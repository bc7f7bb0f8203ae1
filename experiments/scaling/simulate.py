"""The clock of a day: minutes that end, alarms that look, instances that start, as processes of simpy.

Requests are no processes: between two of these events everything is decided, and is worked out in one go.
"""

from bisect import bisect_left
from collections.abc import Callable, Generator
from math import ceil
from typing import Any, Protocol

import simpy

from experiments.client.arrivals import DAY_S
from experiments.cost.monthly import STARTING_S
from experiments.scaling.day import Day
from experiments.scaling.instances import Instances
from experiments.scaling.policy import METRIC_DELAY_S, PERIOD_S, Point, Policy, Tracking
from experiments.scaling.traffic import Traffic

MINUTES = int(DAY_S // PERIOD_S)
_EVENING_S = 900.0  # before midnight: what came then has left its instances

Events = Generator[simpy.Event, Any, None]
Seen = Callable[[], object]
"""Called as each minute ends, for progress."""


class Servers(Protocol):
    """What answers requests: instances, or the environments of functions."""

    waits: Any
    paid_s: float

    def advance(self, to: float) -> None:
        """Everything that happens before `to`."""

    def take_minute(self) -> Point:
        """The minute that has just ended."""

    def close(self) -> int:
        """Ends the day; how many requests waited at its end."""


def simulate(traffic: Traffic, servers: Servers, policy: Policy | None = None, seen: Seen = lambda: None) -> Day:
    """A day of `servers`; instances begin as such a day would leave them, then follow `policy`."""
    points: list[Point] = []
    env = simpy.Environment()
    day = env.process(_minutes(env, servers, points, seen))
    if isinstance(servers, Instances) and policy is not None:
        begin(servers, at_midnight(traffic, servers, policy))
        if policy.most > policy.least:
            env.process(_scale(env, servers, Tracking(policy), points))
    env.run(until=day)
    left = servers.close()
    return Day(traffic, servers.waits, points, servers.paid_s / 3600, left)


def begin(servers: Instances, count: int) -> None:
    """As many serve from the first moment on."""
    servers.launch(count)
    servers.join(count)


def at_midnight(traffic: Traffic, servers: Instances, policy: Policy) -> int:
    """Instances with which the day begins: those that the last quarter of an hour of one like it needs."""
    late = len(traffic) - bisect_left(traffic.moments, DAY_S - _EVENING_S)
    needed = ceil(late / (_EVENING_S / PERIOD_S) / policy.target) if servers.follows_requests else min(1, late)
    return max(policy.least, min(policy.most, needed))


def _minutes(env: simpy.Environment, servers: Servers, points: list[Point], seen: Seen) -> Events:
    for _ in range(MINUTES):
        yield env.timeout(PERIOD_S)
        servers.advance(env.now)
        points.append(servers.take_minute())
        seen()


def _scale(env: simpy.Environment, servers: Instances, tracking: Tracking, points: list[Point]) -> Events:
    """Looks once a minute. While instances start it does not: an endpoint that is Updating takes no other update."""
    yield env.timeout(METRIC_DELAY_S)
    while True:
        yield env.timeout(PERIOD_S)
        known = points[: int((env.now - METRIC_DELAY_S) // PERIOD_S)]
        before = servers.count
        after = tracking.desired(known, before, env.now)
        servers.advance(env.now)
        if after > before:
            servers.launch(after - before)
            yield env.timeout(STARTING_S)
            servers.advance(env.now)
            servers.join(after - before)
        elif after < before:
            servers.leave(before - after)
        else:
            continue
        tracking.scaled(before, after, env.now)
