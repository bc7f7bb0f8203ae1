"""What many requests have in common: percentiles of those that were answered, and the codes of those that were not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from experiments.client.sample import HOPS, UNKNOWN, Sample


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of the good ones, NaN where there are none; between two samples, linearly."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    errors: Mapping[str, int]
    """Code -> how many, the most frequent first."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Figures":
        """Of any samples."""
        good = [sample.total_ms for sample in samples if sample.is_good]
        p50, p95, p99, most = np.quantile(good, (0.5, 0.95, 0.99, 1)) if good else (UNKNOWN,) * 4
        errors = Counter(sample.code for sample in samples if not sample.is_good)
        return cls(len(samples), float(p50), float(p95), float(p99), float(most), dict(errors.most_common()))

    @property
    def told_errors(self) -> str:
        """Such as `3 THROTTLED, 1 TIMEOUT`; a dash for none."""
        return ", ".join(f"{count} {code}" for code, count in self.errors.items()) or "-"


def median_hops(samples: Iterable[Sample]) -> dict[str, float]:
    """Hop -> milliseconds, of the samples whose hops are known; empty where none's are."""
    timed = [sample for sample in samples if sample.is_timed]
    return {hop: median(getattr(sample, f"{hop}_ms") for sample in timed) for hop in HOPS} if timed else {}
