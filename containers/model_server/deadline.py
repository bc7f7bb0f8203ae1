"""The moment after which nobody waits for a request any more."""

from dataclasses import dataclass
from time import monotonic
from typing import Self

from contract.errors import ModelTimeout


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of the monotonic clock, in seconds."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """`seconds` from now."""
        return cls(monotonic() + seconds)

    def remaining_s(self) -> float:
        """Seconds left; below zero when it has passed."""
        return self.at_s - monotonic()

    def check(self) -> None:
        """Raises ModelTimeout when it has passed."""
        if self.remaining_s() <= 0:
            raise ModelTimeout
