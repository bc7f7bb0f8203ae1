"""Execution environments of a serverless endpoint or a function: one request each, started as they are needed."""

from array import array
from heapq import heappop, heappush
from math import nan

from experiments.cost.monthly import DAY_S, MOST_COLD_STARTS_A_DAY
from experiments.scaling.policy import Point
from experiments.scaling.traffic import Traffic

IDLE_S = DAY_S / MOST_COLD_STARTS_A_DAY  # after which an environment is gone: usual, and not promised


class Environments:
    """The one that was used last is used next. With none free another starts, up to `limit`; then requests are refused.

    A request that meets a cold start waits `cold_start_s` for it.
    """

    def __init__(self, traffic: Traffic, cold_start_s: float, limit: float) -> None:
        self.waits: array[float] = array("d", [nan]) * len(traffic)
        """Seconds that each request waited for its environment; NaN where it was refused."""
        self.paid_s = 0.0
        """There are no instances to pay for."""
        self._traffic = traffic
        self._cold_start_s = cold_start_s
        self._limit = limit
        self._busy: list[float] = []  # a heap: when each is free
        self._idle: list[float] = []  # since when, the latest last
        self._next = 0
        self._begin_minute()

    def _begin_minute(self) -> None:
        self._arrivals = self._refused = self._cold = 0
        self._most = len(self._busy)

    def advance(self, to: float) -> None:
        """Everything that happens before `to`, in seconds after midnight."""
        moments, first = self._traffic.moments, self._next
        while self._next < len(moments) and moments[self._next] < to:
            self._arrive(moments[self._next], self._next)
            self._next += 1
        self._release(to)
        self._arrivals += self._next - first

    def _arrive(self, at: float, request: int) -> None:
        self._release(at)
        if self._idle and at - self._idle.pop() <= IDLE_S:
            wait = 0.0
        elif len(self._busy) < self._limit:
            self._idle.clear()  # those left were idle for longer still
            self._cold += 1
            wait = self._cold_start_s
        else:
            self._refused += 1
            return
        self.waits[request] = wait
        heappush(self._busy, at + wait + self._traffic.services[request])
        self._most = max(self._most, len(self._busy))

    def _release(self, now: float) -> None:
        while self._busy and self._busy[0] <= now:
            self._idle.append(heappop(self._busy))

    def take_minute(self) -> Point:
        """The minute that has just ended."""
        most = float(self._most)
        point = Point(self._arrivals, most, most, most, self._refused, self._cold)
        self._begin_minute()
        return point

    def close(self) -> int:
        """Nothing ever waits for another."""
        return 0
