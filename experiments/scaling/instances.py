"""Instances and the requests that they share: who is sent where, and what CloudWatch would say of the minute.

A request waits on its instance for one of as many workers as the instance has cores, as containers/model_server has it.
How workers slow each other down is not modelled: the measured times have it, or do not.
"""

from abc import ABC, abstractmethod
from array import array
from math import inf, nan

from experiments.scaling.line import Line
from experiments.scaling.policy import Point
from experiments.scaling.traffic import Traffic

WAITING_PLACES = 32  # of a model server; one more request is answered 503 OVERLOADED


class Instances(ABC):
    """Those that serve and those that start. Nothing happens but by `advance`, which must come before any change."""

    follows_requests = True
    """Whether the load is counted in requests a minute."""

    def __init__(self, traffic: Traffic, at_once: int) -> None:
        self.count = 0
        """Instances that serve."""
        self.paid_s = 0.0
        """Seconds of all instances, from each one's launch."""
        self.waits: array[float] = array("d", [nan]) * len(traffic)
        """Seconds that each request waited for a worker; NaN where it was refused or nobody ever came."""
        self._traffic = traffic
        self._at_once = at_once
        self._starting = 0
        self._now = 0.0
        self._next = 0  # the first request that has not come yet
        self._begin_minute()

    def _begin_minute(self) -> None:
        self._arrivals = self._refused = self._without_any = 0
        self._served_s = self._per_instance = self._elapsed_s = 0.0

    def launch(self, count: int) -> None:
        """As many more are paid for, and serve nobody yet."""
        self._starting += count

    def join(self, count: int) -> None:
        """As many of those that were launched serve."""
        self._starting -= count
        for _ in range(count):
            self.count += 1
            self._joined(self.count)

    def leave(self, count: int) -> None:
        """As many get no request more; what they have begun they end."""
        for _ in range(count):
            self._left(self.count)
            self.count -= 1

    def advance(self, to: float) -> None:
        """Everything that happens before `to`, in seconds after midnight."""
        moments, at, first = self._traffic.moments, self._next, self._next
        while at < len(moments) and moments[at] < to:
            self._refused += not self._arrive(moments[at], at)
            at += 1
        self._begin(to)
        self._next = at
        self._arrivals += at - first
        self._without_any += (at - first) * (not self.count)
        self._per_instance += (at - first) / self.count if self.count else 0.0
        self._served_s += self.count * (to - self._now)
        self._elapsed_s += to - self._now
        self.paid_s += (self.count + self._starting) * (to - self._now)
        self._now = to

    def take_minute(self) -> Point:
        """The minute that has just ended."""
        load, metric = self._figures()
        instances = self._served_s / self._elapsed_s
        asks = not self.count and bool(self.waiting or self._without_any)
        point = Point(self._arrivals, instances, load, metric, self._refused, asks_for_the_first=asks)
        self._begin_minute()
        return point

    def close(self) -> int:
        """Lets those that serve end what waits at the end of the day; says how many requests that was."""
        left = self.waiting
        self._begin(inf)
        return left

    def _figures(self) -> tuple[float, float]:
        """Load and metric by requests: AWS counts one over the number of instances for each (InvocationsPerInstance).

        Without requests it is taken for 0, not for missing: endpoints that nobody asks have been seen to scale in.
        """
        return float(self._arrivals), self._per_instance if self._served_s else nan

    @property
    @abstractmethod
    def waiting(self) -> int:
        """Requests that nobody has begun."""

    @abstractmethod
    def _arrive(self, at: float, request: int) -> bool: ...

    @abstractmethod
    def _begin(self, until: float) -> None: ...

    @abstractmethod
    def _joined(self, instance: int) -> None: ...

    @abstractmethod
    def _left(self, instance: int) -> None: ...


class RandomRouting(Instances):
    """Each request goes to any instance, whatever waits there: SageMaker's default (API reference, RoutingStrategy)."""

    def __init__(self, traffic: Traffic, at_once: int, places: float = WAITING_PLACES) -> None:
        super().__init__(traffic, at_once)
        self._places = places
        self._lines: list[Line] = []

    @property
    def waiting(self) -> int:
        """Requests that nobody has begun."""
        return sum(line.waiting for line in self._lines)

    def _arrive(self, at: float, request: int) -> bool:
        return self._lines[int(self._traffic.lots[request] * self.count)].arrive(at, request)

    def _begin(self, until: float) -> None:
        for line in self._lines:
            line.begin(until)

    def _joined(self, instance: int) -> None:
        line = Line(self._traffic.services, self.waits, self._places)
        line.add(instance, self._at_once, self._now)
        self._lines.append(line)

    def _left(self, instance: int) -> None:  # noqa: ARG002 the last that came goes first
        self._lines.pop().begin(inf)


class SharedQueue(Instances):
    """Whoever has a free worker takes the next.

    It stands for a component's routing to the least busy too (LEAST_OUTSTANDING_REQUESTS), which waits some 6 to 16 %
    longer on average (2 and 4 instances, 60 to 80 % busy, simulated), where random routing waits several times as long.
    """

    def __init__(self, traffic: Traffic, at_once: int, places: float = WAITING_PLACES) -> None:
        super().__init__(traffic, at_once)
        self._places = places
        self._line = Line(traffic.services, self.waits, 0)

    @property
    def waiting(self) -> int:
        """Requests that nobody has begun."""
        return self._line.waiting

    def _arrive(self, at: float, request: int) -> bool:
        return self._line.arrive(at, request)

    def _begin(self, until: float) -> None:
        self._line.begin(until)

    def _joined(self, instance: int) -> None:
        self._line.add(instance, self._at_once, self._now)
        self._line.places = self._places * self.count

    def _left(self, instance: int) -> None:
        self._line.remove(instance)
        self._line.places = self._places * (instance - 1)


class Jobs(SharedQueue):
    """The queue of an asynchronous endpoint: it keeps every job, and its length is what scaling follows."""

    follows_requests = False

    def __init__(self, traffic: Traffic, at_once: int) -> None:
        super().__init__(traffic, at_once, inf)
        self._line.places = inf

    def _left(self, instance: int) -> None:
        self._line.remove(instance)

    def _figures(self) -> tuple[float, float]:
        """Jobs that wait or are worked on, and for each instance (ApproximateBacklogSizePerInstance)."""
        load = float(self._line.waiting + self._line.busy(self._now))
        return load, load / self.count if self.count else nan
