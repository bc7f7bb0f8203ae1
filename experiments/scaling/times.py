"""How long a model's server is busy with a request: as measured, else what docs/images.md has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from experiments.client.sample import Sample
from experiments.cost.request import measurements
from experiments.latency.run import REQUESTS, read_run
from experiments.scaling.errors import NoTimes
from models.registry import Model


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a worker, each as likely as the others; and what a cold start adds to a request that meets one."""

    seconds: Sequence[float]
    cold_start_s: float
    source: str
    """Where they are from, for a sentence."""
    clients: int
    """How many asked at once when they were measured."""

    @property
    def mean_s(self) -> float:
        """On average."""
        return fmean(self.seconds)


def measured(model: Model, endpoint: str, folder: Path) -> Times:
    """The container's own time of warm requests in `folder`/`endpoint`. Raises ForeignRows, NoTimes.

    Of those with the most clients at once: what workers take from each other is in them.
    """
    run, samples = read_run(folder / endpoint)
    again = f"measure with python -m experiments.latency {model.spec.name} --endpoint {endpoint}"
    if run.model != model.spec.name:
        raise NoTimes(f"{folder / endpoint}: has requests to {run.model}; {again}, or give another --times")
    warm = [sample for sample in samples if sample.phase == "warm" and sample.is_good and sample.is_timed]
    if not warm:
        raise NoTimes(f"{folder / endpoint / REQUESTS}: has no warm request that was answered and timed; {again}")
    clients = max(sample.concurrency for sample in warm)
    busiest = [sample for sample in warm if sample.concurrency == clients]
    seconds = [sample.container_ms / 1000 for sample in busiest]
    where = f"{len(busiest)} warm requests of {clients} {'clients' if clients > 1 else 'client'}, {run.target}"
    cold_start_s = _cold_start_s(samples, warm)
    return Times(
        seconds, _on_page(model, endpoint).cold_start_s if cold_start_s is None else cold_start_s, where, clients
    )


def _cold_start_s(samples: Sequence[Sample], warm: Sequence[Sample]) -> float | None:
    """What a first request takes longer than others."""
    cold = [sample.total_ms for sample in samples if sample.phase == "cold" and sample.is_good]
    usual = median(sample.total_ms for sample in warm)
    return max(0.0, median(cold) - usual) / 1000 if cold else None


def _on_page(model: Model, endpoint: str) -> Times:
    request = measurements().request(model, endpoint)
    where = "docs/images.md, one at a time on two cores of a CPU" if request.source == "measured" else "assumed"
    return Times((request.seconds,), request.cold_start_s, f"the same for each: {where}", clients=1)


def times_of(model: Model, endpoint: str, folder: Path | None) -> Times:
    """Those measured in `folder`, or without one the page's. Raises ForeignRows, NoTimes."""
    return _on_page(model, endpoint) if folder is None else measured(model, endpoint, folder)
