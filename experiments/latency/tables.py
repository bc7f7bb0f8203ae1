"""What an experiment prints at its end: a row for each phase, and where the time of a call goes."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from experiments.client.figures import Figures, median_hops
from experiments.client.sample import HOPS, Sample

_HEAD = ("", "calls", "p50", "p95", "p99", "max", "errors")


_SURELY_COLD = 1.5
"""Times as long as warm calls, medians, waited for the service; where a process starts it is many times as long."""


def tables(samples: Sequence[Sample]) -> str:
    """Both, in milliseconds, and a doubt where there is reason for one."""
    return "\n\n".join(filter(None, (phase_table(samples), hop_table(samples), _doubt(samples))))


def _doubt(samples: Sequence[Sample]) -> str:
    cold, warm = _cold_hops(samples), median_hops(_of_fewest_clients(samples))
    if cold and warm and cold["service"] < _SURELY_COLD * warm["service"]:
        return "The cold calls took hardly longer than warm ones: perhaps they met a server that had started already."
    return ""


def phase_table(samples: Sequence[Sample]) -> str:
    """Percentiles of those that were answered, and the codes of those that were not."""
    rows: list[Sequence[str]] = [_HEAD]
    for title, of_phase in by_phase(samples):
        told = Figures.of(of_phase)
        times = (f"{value:.0f}" for value in (told.p50_ms, told.p95_ms, told.p99_ms, told.max_ms))
        rows.append((title, str(told.count), *times, told.told_errors))
    return _aligned(rows, left=(0, len(_HEAD) - 1))


def by_phase(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    """Those of each phase, client number and rate, with what they are called, as they came."""
    for (phase, clients, rate), group in groupby(samples, lambda row: (row.phase, row.concurrency, row.rate)):
        titles = {"warm": f"warm, {clients} at once", "load": f"load, {rate:g} a second"}
        yield titles.get(phase, phase), list(group)


def _cold_hops(samples: Sequence[Sample]) -> dict[str, float]:
    return median_hops(row for row in samples if row.phase == "cold")


def _of_fewest_clients(samples: Sequence[Sample]) -> list[Sample]:
    warm = [row for row in samples if row.phase == "warm"]
    fewest = min((row.concurrency for row in warm), default=0)
    return [row for row in warm if row.concurrency == fewest]


def hop_table(samples: Sequence[Sample]) -> str:
    """Medians of the calls of the fewest clients, and of the cold ones; empty where no answer told its hops."""
    columns = {"warm": median_hops(_of_fewest_clients(samples)), "cold": _cold_hops(samples)}
    columns = {name: hops for name, hops in columns.items() if hops}
    if not columns:
        return ""
    return _aligned([("hop", *columns), *((hop, *(f"{hops[hop]:.1f}" for hops in columns.values())) for hop in HOPS)])


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Columns under each other, numbers by their ends, those that `left` counts by their beginnings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
