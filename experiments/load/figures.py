"""What a load came to: answers by code, percentiles, and what each part held and used, as tables in Markdown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from experiments.client.percentiles import percentile
from experiments.client.sample import Sample
from experiments.load.parts import Part

PERCENTS = (50.0, 99.0, 99.9)
ALL = "all of it"


def tables(samples: Sequence[Sample], parts: Mapping[str, Part], seconds: float) -> str:
    """The three of them."""
    return "\n\n".join([_latencies(samples, seconds), _codes(samples), _parts(parts)])


def _latencies(samples: Sequence[Sample], seconds: float) -> str:
    by_model = groupby(sorted(samples, key=_asked), key=_asked)
    rows = [_latency_row(name, list(group), seconds) for name, group in by_model]
    head = ("model, endpoint", "requests", "a second", "good", *(f"p{percent:g} ms" for percent in PERCENTS))
    return _table(head, [*rows, _latency_row(ALL, samples, seconds)])


def _asked(sample: Sample) -> str:
    return f"{sample.model} {sample.endpoint}"


def _latency_row(name: str, samples: Sequence[Sample], seconds: float) -> Sequence[str]:
    good = [sample.total_ms for sample in samples if sample.is_good]
    times = [f"{percentile(good, percent):,.0f}" if good else "—" for percent in PERCENTS]
    share = f"{100 * len(good) / max(1, len(samples)):.2f} %"
    return name, f"{len(samples):,}", f"{len(samples) / seconds:.1f}", share, *times


def _codes(samples: Iterable[Sample]) -> str:
    counted = Counter((sample.status, sample.code) for sample in samples)
    total = counted.total()
    rows = [
        (f"{status or 'no answer'}", code, f"{count:,}", f"{100 * count / total:.2f} %")
        for (status, code), count in counted.most_common()
    ]
    return _table(("status", "code", "answers", "share"), rows)


def _parts(parts: Mapping[str, Part]) -> str:
    rows = [(name, f"{part.mean_mb:,.0f}", f"{part.peak_mb:,.0f}", f"{part.cores:.2f}") for name, part in parts.items()]
    mean, cores = sum(part.mean_mb for part in parts.values()), sum(part.cores for part in parts.values())
    whole = (ALL, f"{mean:,.0f}", "", f"{cores:.2f}")
    return _table(("part", "memory MB", "most MB", "cores used"), [*rows, whole])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ruler, *rows])
