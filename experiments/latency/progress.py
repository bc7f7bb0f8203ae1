"""What a phase tells while it goes on: a line every few seconds, and one at its end."""

import time
from collections.abc import Callable

from experiments.client.figures import Figures
from experiments.client.sample import Sample

EVERY_S = 3.0

Say = Callable[[str], None]


class Progress:
    """Of `total` calls that belong together, as `title` says."""

    def __init__(self, title: str, total: int, say: Say) -> None:
        self._title, self._total, self._say = title, total, say
        self._samples: list[Sample] = []
        self._told = time.monotonic()

    def seen(self, sample: Sample) -> None:
        """One more."""
        self._samples.append(sample)
        if len(self._samples) == self._total or time.monotonic() - self._told > EVERY_S:
            self._told = time.monotonic()
            self._say(self._line())

    def _line(self) -> str:
        figures = Figures.of(self._samples)
        errors = f", errors: {figures.told_errors}" if figures.errors else ""
        times = f"p50 {figures.p50_ms:.0f} ms, p99 {figures.p99_ms:.0f} ms"
        return f"{self._title}: {figures.count} of {self._total}, {times}{errors}"
