"""When requests come: at random moments at a steady rate, or at one that follows the shape of a day.

Moments are drawn before anything is sent. A client that asks at those moments, whatever became of the requests before,
measures what callers would who know nothing of each other: coordinated omission (G. Tene, "How NOT to measure latency")
is what a client does that waits for one answer before it asks again, and so asks least when the server is slowest.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

DAY = Path(__file__).with_name("day.toml")
"""The shape of a typical day."""
DAY_S = 24 * 3600.0


class ShapeFault(Exception):
    """The file of a day's shape cannot be used; the message says why and what can."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a day's requests spread over it: a share for each of equally long parts from midnight on; they sum to 1."""

    name: str
    shares: Sequence[float]

    def factor(self, of_day: float) -> float:
        """The rate at that part of the day (0 to 1) in relation to the day's mean, between the middles of the parts."""
        count = len(self.shares)
        at = (of_day % 1) * count - 0.5
        before = int(at // 1)
        after_share = at - before
        one, other = self.shares[before % count], self.shares[(before + 1) % count]
        return count * (one * (1 - after_share) + other * after_share)

    @property
    def peak(self) -> float:
        """The largest factor."""
        return len(self.shares) * max(self.shares)


STEADY = Shape("steady", (1.0,))


def read_shape(file: Path) -> Shape:
    """`name` and `parts` of a TOML file: any number of numbers, none below 0. Raises ShapeFault."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ShapeFault(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ShapeFault(f"{file}: is not TOML: {error}") from error
    parts = table.get("parts")
    if not (isinstance(parts, list) and parts and all(_is_share(part) for part in parts) and sum(parts) > 0):
        raise ShapeFault(f"{file}: parts: give a list of numbers, such as the requests of each hour, none below 0")
    return Shape(str(table.get("name", file.stem)), [part / sum(parts) for part in parts])


def _is_share(part: object) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool) and 0 <= part < float("inf")


def arrivals(rate: float, seconds: float, random: Random, shape: Shape = STEADY) -> Iterator[float]:
    """Seconds from the start at which requests come: a Poisson process of `rate` a second in the mean.

    With a `shape`, a whole day of it is passed through in `seconds`: thinning (P. A. W. Lewis and G. S. Shedler, Naval
    Research Logistics Quarterly 26, 1979, 403-413).
    """
    at, most = 0.0, rate * shape.peak
    while most > 0 and (at := at + random.expovariate(most)) < seconds:
        if random.random() * shape.peak < shape.factor(at / seconds):
            yield at
