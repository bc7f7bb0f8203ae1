"""All that page, docs and terminal show: the runs, their plots, and what to choose at which traffic and target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.cost.prices import PriceTable, read_prices
from experiments.report import boxes, cost, hops, load
from experiments.report.borrowed import borrowed
from experiments.report.candidate import Candidate
from experiments.report.published import Published, read_published
from experiments.report.recommend import Recommendation, recommend
from experiments.report.runs import Runs, read_runs
from experiments.report.sentence import sentence
from experiments.report.style import Picture
from models.registry import load_models

PLOTS = ("boxes", "hops", "load", "cost")
TRAFFIC = (100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)
TARGETS_MS = (50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0)


@dataclass(frozen=True, slots=True)
class Report:
    """`asked` are the recommendations that somebody asked for, `grid` those of TRAFFIC x TARGETS_MS."""

    runs: Runs
    others: Sequence[Candidate]
    """Not measured, with the times of the nearest that was."""
    prices: PriceTable
    published: Published
    pictures: Sequence[Picture]
    asked: Sequence[Recommendation]
    grid: Mapping[tuple[float, float], Recommendation]

    @property
    def sentences(self) -> Sequence[str]:
        """One for each traffic that was asked for."""
        return [sentence(each, self.prices) for each in self.asked]


def make_report(
    folder: Path, out: Path, requests_per_day: Sequence[float], latency_ms: float, percentile: float
) -> Report:
    """Reads `folder`, draws into `out`. Raises ReportFault, ForeignRows, PriceTableFault, SpecError."""
    runs, prices, published = read_runs(folder), read_prices(), read_published()
    others = borrowed(runs.candidates, _endpoints(runs.model), prices)
    weighed = [*runs.candidates, *(each for each in others if each.is_queue)]  # a queue answers no request to time
    for name in PLOTS:
        (out / f"{name}.png").unlink(missing_ok=True)  # what is not drawn now was of other runs
    pictures = (
        boxes.draw(runs, published, out),
        hops.draw(runs, out),
        load.draw(runs, out),
        cost.draw(runs, others, prices, out),
    )
    return Report(
        runs,
        others,
        prices,
        published,
        [picture for picture in pictures if picture],
        [recommend(weighed, per_day, latency_ms, percentile, prices) for per_day in requests_per_day],
        {
            (per_day, target): recommend(weighed, per_day, target, percentile, prices)
            for per_day in TRAFFIC
            for target in TARGETS_MS
        },
    )


def _endpoints(model: str) -> Mapping[str, Any]:
    """Of its model.toml; none where this checkout has no such model."""
    return next((each.spec.endpoints for each in load_models() if each.spec.name == model), {})
