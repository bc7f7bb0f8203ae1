"""What a latency experiment does at each endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls of which phase; the moments of those on a schedule follow from `seed`."""

    cold: int = 5
    """Calls that each meet a server which must start first."""
    clients: Sequence[int] = (1, 4)
    """That wait for each answer before they ask again, so many at once, one number after the other."""
    requests: int = 60
    """Calls for each of these numbers, in all."""
    rates: Sequence[float] = (2, 10, 25)
    """Requests a second on a schedule that waits for nobody, one rate after the other."""
    seconds: float = 10
    """For each of these rates."""
    seed: int = 0
