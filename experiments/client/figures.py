"""What many requests have in common: percentiles of those that were answered, and the codes of those that were not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from experiments.client.percentiles import percentile
from experiments.client.sample import HOPS, Sample


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of the good ones, infinite where there are none."""

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
        p50, p95, p99, most = (percentile(good, percent) for percent in (50, 95, 99, 100))
        errors = Counter(sample.code for sample in samples if not sample.is_good)
        return cls(len(samples), p50, p95, p99, most, dict(errors.most_common()))

    @property
    def told_errors(self) -> str:
        """Such as `3 THROTTLED, 1 TIMEOUT`; a dash for none."""
        return ", ".join(f"{count} {code}" for code, count in self.errors.items()) or "-"


def median_hops(samples: Iterable[Sample]) -> dict[str, float]:
    """Hop -> milliseconds, of the samples whose hops are known; empty where none's are."""
    timed = [sample for sample in samples if sample.is_timed]
    return {hop: median(getattr(sample, f"{hop}_ms") for sample in timed) for hop in HOPS} if timed else {}
