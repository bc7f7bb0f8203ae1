"""An endpoint as the recommendation weighs it: its settings, and what requests took, cold, warm and under load."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from statistics import fmean, median
from typing import Any

from experiments.client.percentiles import percentile
from experiments.client.sample import Sample
from experiments.cost.monthly import IDLE_S, LEAVING_S, STARTING_S
from experiments.cost.request import ANSWER_BYTES, Request
from experiments.cost.stage import Served
from experiments.latency.run import Run, Target
from experiments.report.faults import NoAnswers
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint

START_MS = STARTING_S * 1000.0


@dataclass(frozen=True, slots=True)
class Level:
    """Requests on a schedule: how many a second, what those that were answered took, what became of the others."""

    rate: float
    good_ms: Sequence[float]
    errors: Mapping[str, int] = field(default_factory=dict)

    @property
    def error_share(self) -> float:
        """Of all requests."""
        errors = sum(self.errors.values())
        return errors / (errors + len(self.good_ms))

    def is_within(self, latency_ms: float, percent: float) -> bool:
        """Whether all were answered, and `percent` of them in time."""
        return not self.errors and percentile(self.good_ms, percent) <= latency_ms


@dataclass(frozen=True)
class Candidate:
    """Times in milliseconds, of one caller at a time but for `levels`, which ascend by their rate.

    Whoever got an error waits for ever, an infinite time.
    """

    name: str
    settings: Any
    request: Request
    warm_ms: Sequence[float]
    cold_ms: Sequence[float] = ()
    levels: Sequence[Level] = ()
    target: Target = "local"
    borrowed: str = ""
    """Whose times these are, where this one was not measured itself."""

    @property
    def kind(self) -> str:
        """Of models.endpoints."""
        return str(self.settings.kind)

    @property
    def is_function(self) -> bool:
        """Whether AWS starts an environment for as many requests as there are at once."""
        return isinstance(self.settings, ServerlessEndpoint | LambdaEndpoint)

    @property
    def is_queue(self) -> bool:
        """Whether it takes jobs."""
        return isinstance(self.settings, AsyncEndpoint)

    @property
    def is_stand_in(self) -> bool:
        """Whether a GPU's times are those of this machine's CPU."""
        return bool(self.settings.is_gpu) and (self.target == "local" or bool(self.borrowed))

    @property
    def idle_s(self) -> float | None:
        """Seconds without a request after which the next one waits for a start; None where somebody is always there."""
        if self.is_function:
            return IDLE_S
        from_zero = getattr(self.settings, "component", None) or self.settings.min_instances == 0
        return LEAVING_S if from_zero else None

    @cached_property
    def start_ms(self) -> Sequence[float]:
        """What the request takes that waits for a start: measured for a function, and an instance's start otherwise."""
        return self.cold_ms if self.is_function else [START_MS + each for each in self.warm_ms]

    @property
    def label(self) -> str:
        """Name and size, without saying one of them twice."""
        size = self.size
        said = {size.replace(".", "-"), self.kind, f"{self.kind}-{getattr(self.settings, 'memory_mb', '')}"}
        return size if self.name in said else f"{self.name} ({size})"

    @property
    def shown(self) -> str:
        """`label`, and what its times are not."""
        if self.borrowed:
            return f"{self.label}, not measured"
        return f"{self.label}, timed on a CPU" if self.is_stand_in else self.label

    @property
    def size(self) -> str:
        """What is paid for: memory or an instance type."""
        if isinstance(self.settings, ServerlessEndpoint):
            return f"serverless with {self.settings.memory_mb} MB"
        if isinstance(self.settings, LambdaEndpoint):
            return f"Lambda with {self.settings.memory_mb} MB"
        queue = "a queue on " if self.is_queue else ""
        return f"{queue}{self.settings.instance_type}"

    def served(self, model: str) -> Served:
        """As experiments.cost has it."""
        return Served(model, self.name, self.settings, self.request)

    def kept_rate(self, latency_ms: float, percent: float) -> float:
        """The most requests a second that were measured without errors and in time; infinite if none went wrong.

        Where the lowest rate went wrong already, that rate: what is far below it is not known to be too much.
        """
        kept = self.levels[0].rate if self.levels else inf
        for level in self.levels:
            if not level.is_within(latency_ms, percent):
                return kept
            kept = level.rate
        return inf


def one_at_a_time(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The warm ones that fewest clients sent at once: an environment of a function never has more than one."""
    warm = [sample for sample in samples if sample.phase == "warm"]
    fewest = min((sample.concurrency for sample in warm), default=0)
    return [sample for sample in warm if sample.concurrency == fewest]


def measured(run: Run, samples: Sequence[Sample]) -> Candidate:
    """What a run shows. Raises NoAnswers where it has no warm request that was answered."""
    warm = one_at_a_time(samples)
    good = [sample for sample in warm if sample.is_good]
    if not good:
        codes = ", ".join(f"{count} × {code}" for code, count in Counter(each.code for each in warm).items())
        raise NoAnswers(f"{run.endpoint}: has no warm request that was answered ({codes or 'none was sent'})")
    cold = [sample for sample in samples if sample.phase == "cold"]
    return Candidate(
        run.endpoint,
        run.endpoint_settings,
        _request(good, [sample.total_ms for sample in cold if sample.is_good]),
        _waits(warm),
        _waits(cold),
        levels(samples),
        run.target,
    )


def _request(warm: Sequence[Sample], cold: Sequence[float]) -> Request:
    """As AWS bills it: what the container was busy with, in the mean since a bill is a sum; else all the client saw."""
    told = [sample.container_ms for sample in warm if sample.is_timed]
    return Request(
        seconds=fmean(told or _waits(warm)) / 1000,
        cold_start_s=median(cold) / 1000 if cold else 0.0,
        body_bytes=fmean(sample.bytes for sample in warm),
        answer_bytes=ANSWER_BYTES,
        source="measured",
    )


def levels(samples: Sequence[Sample]) -> list[Level]:
    """The phase load, by its rates."""
    load = [sample for sample in samples if sample.phase == "load"]
    return [
        Level(
            rate,
            _waits([each for each in load if each.rate == rate and each.is_good]),
            Counter(each.code for each in load if each.rate == rate and not each.is_good),
        )
        for rate in sorted({sample.rate for sample in load})
    ]


def _waits(samples: Sequence[Sample]) -> list[float]:
    return [sample.total_ms if sample.is_good else inf for sample in samples]
