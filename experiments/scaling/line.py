"""A queue and the workers that empty it, first come, first served."""

from array import array
from collections import deque
from heapq import heapify, heappush, heapreplace
from math import inf

FOREVER = inf


class Line:
    """Requests that wait for one of some workers, each of which does one at a time.

    Requests are numbers; how long each takes is in `services`, and how long each waited goes into `waits`, in seconds.
    Nothing is begun before its time is reached: a worker that is added may still take what waits.
    """

    def __init__(self, services: "array[float]", waits: "array[float]", places: float) -> None:
        self.places = places
        """How many may wait; one more is refused."""
        self._services = services
        self._waits = waits
        self._free: list[tuple[float, int]] = []  # a heap: when each worker is free, and whose it is
        self._waiting: deque[tuple[float, int]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that nobody has begun."""
        return len(self._waiting)

    def busy(self, now: float) -> int:
        """Workers that have something to do, after everything before `now` was begun."""
        return sum(free_at > now for free_at, _ in self._free)

    def add(self, owner: int, workers: int, now: float) -> None:
        """Workers of `owner` that are free from `now` on."""
        for _ in range(workers):
            heappush(self._free, (now, owner))

    def remove(self, owner: int) -> None:
        """Its workers begin nothing more."""
        self._free = [each for each in self._free if each[1] != owner]
        heapify(self._free)

    def arrive(self, at: float, request: int) -> bool:
        """Takes the request, or says that there is no place left. Moments must not go back."""
        self.begin(at)
        free, waiting = self._free, self._waiting
        if not waiting and free and free[0][0] <= at:
            self._waits[request] = 0.0
            heapreplace(free, (at + self._services[request], free[0][1]))
            return True
        if len(waiting) >= self.places:
            return False
        waiting.append((at, request))
        return True

    def begin(self, until: float) -> None:
        """What waits is begun by whoever is free before `until`, or just then."""
        free, waiting = self._free, self._waiting
        while waiting and free and free[0][0] <= until:
            arrived, request = waiting.popleft()
            free_at, owner = free[0]
            starts = max(free_at, arrived)
            self._waits[request] = starts - arrived
            heapreplace(free, (starts + self._services[request], owner))
