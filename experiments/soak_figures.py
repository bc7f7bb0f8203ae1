"""What a soak writes down, and what its sixths say about speed and memory."""

import json
from collections import Counter
from dataclasses import dataclass, field
from statistics import median, quantiles

import psutil

CLIENTS, SIXTHS, WINDOWS = 8, 6, 5
WARM_UP = 1 / 12  # of the whole time, before the sixths begin
MOST_GROWTH, MOST_DRIFT = 1.05, 1.2
OTHERS_SHARE = 0.1  # of all cores


@dataclass
class Record:
    """What the clients saw so far; appending is all that threads do to it."""

    answers: list[tuple[float, float]] = field(default_factory=list)  # when, and milliseconds, of what is measured
    outcomes: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)  # when, and MB
    others: list[tuple[float, float]] = field(default_factory=list)  # when, and CPU seconds of other processes so far


@dataclass(frozen=True)
class Sixth:
    """A sixth of the time: medians over those of its windows that were `quiet`, or over all where none was."""

    quiet: int
    per_s: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    peak_mb: float


@dataclass(frozen=True)
class Result:
    """What came out."""

    minutes: float
    clients: int
    asked: int
    outcomes: dict[str, int]
    unexpected: dict[str, int]
    sixths: list[Sixth]

    @property
    def growth(self) -> float:
        """Memory of the largest sixth in relation to the first."""
        return max(sixth.memory_mb for sixth in self.sixths) / self.sixths[0].memory_mb

    @property
    def drift(self) -> float:
        """p99 of the last sixth in relation to the first."""
        return self.sixths[-1].p99_ms / self.sixths[0].p99_ms

    def table(self) -> str:
        """In Markdown."""
        lines = [
            "| sixth | quiet windows | good/s | p50 ms | p99 ms | memory MB | peak MB |",
            "|---|---|---|---|---|---|---|",
        ]
        for number, sixth in enumerate(self.sixths, 1):
            cells = (sixth.per_s, sixth.p50_ms, sixth.p99_ms, sixth.memory_mb, sixth.peak_mb)
            lines.append(f"| {number} | {sixth.quiet} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        held = "none" if not self.unexpected else json.dumps(self.unexpected)
        return "\n".join(
            [
                *lines,
                "",
                f"{self.asked} requests in {self.minutes:g} minutes from {self.clients} clients; "
                f"p99 last to first {self.drift:.2f} (at most {MOST_DRIFT}), "
                f"memory largest to first {self.growth:.3f} (at most {MOST_GROWTH}), unexpected outcomes: {held}.",
            ]
        )


def p99(spent: list[float]) -> float:
    """99 of 100 are at most this."""
    return quantiles(spent, n=100, method="inclusive")[-1] if len(spent) > 1 else spent[0]


def result_of(record: Record, begin: float, end: float, minutes: float) -> Result:
    """What the record of a soak from `begin` to `end` says."""
    first, length = begin + (end - begin) * WARM_UP, (end - begin) * (1 - WARM_UP) / SIXTHS
    sixths = [_sixth(record, first + number * length, length) for number in range(SIXTHS)]
    asked = sum(record.outcomes.values())
    return Result(minutes, CLIENTS, asked, dict(record.outcomes), dict(record.unexpected), sixths)


def _sixth(record: Record, begin: float, length: float) -> Sixth:
    width = length / WINDOWS
    starts = [begin + number * width for number in range(WINDOWS)]
    quiet = [start for start in starts if _is_quiet(record, start, start + width)]
    windows = [[spent for at, spent in record.answers if at_s <= at < at_s + width] for at_s in quiet or starts]
    held = [window for window in windows if window] or [[0.0]]
    memory = sorted(taken for at, taken in record.memory if begin <= at < begin + length) or [0.0]
    return Sixth(
        quiet=len(quiet),
        per_s=round(median(len(window) for window in windows) / width, 2),
        p50_ms=round(median(median(window) for window in held), 2),
        p99_ms=round(median(p99(window) for window in held), 2),
        memory_mb=round(memory[len(memory) // 10], 1),
        peak_mb=round(memory[-1], 1),
    )


def _is_quiet(record: Record, begin: float, end: float) -> bool:
    seen = [(at, spent) for at, spent in record.others if begin <= at < end]
    if len(seen) < 2:
        return False
    (first, before), (last, after) = seen[0], seen[-1]
    return after - before < OTHERS_SHARE * (last - first) * (psutil.cpu_count() or 1)
