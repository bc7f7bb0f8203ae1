"""The requests of a day: when each comes and how long a model's server is busy with it. One seed, one day."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from experiments.client.arrivals import DAY_S, Shape, arrivals


@dataclass(frozen=True, slots=True)
class Traffic:
    """Three numbers for each request, in the order in which they come."""

    moments: "array[float]"
    """Seconds after midnight."""
    services: "array[float]"
    """Seconds of a worker."""
    lots: "array[float]"
    """From 0 to 1: which instance it is sent to, where that is left to chance."""

    def __len__(self) -> int:
        """How many requests."""
        return len(self.moments)


def draw_moments(per_day: float, shape: Shape, seed: int) -> "array[float]":
    """When `per_day` requests come, in the mean: Poisson with the rate of `shape`."""
    return array("d", arrivals(per_day / DAY_S, DAY_S, Random(seed), shape))  # noqa: S311 not for a secret


def draw(moments: "array[float]", times: Sequence[float], seed: int) -> Traffic:
    """Each request takes one of the measured `times`, in seconds.

    What is drawn does not depend on the policy, so that policies are compared on the very same day.
    """
    random = Random(f"{seed} services")  # noqa: S311
    services = array("d", random.choices(times, k=len(moments)))
    return Traffic(moments, services, array("d", (random.random() for _ in moments)))
