"""The phases of an experiment: calls that meet a cold start, clients that wait, a schedule that does not."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle
from math import ceil, sqrt
from random import Random
from statistics import median

from experiments.client.arrivals import arrivals
from experiments.client.call import Call, Connections, Phased, ask
from experiments.client.figures import Figures
from experiments.client.loops import closed_loop, open_loop
from experiments.client.sample import Sample
from experiments.latency.errors import NotAnswering, Throttled
from experiments.latency.progress import Progress, Say
from experiments.latency.targets import Target
from local.function import MAX_CONCURRENCY
from models.registry import Model

LEAST_WARMING_UP = MAX_CONCURRENCY  # a local run's proxies: one that starts amid a load takes its processor time
MOST_WARMING_UP = 32  # clients before a schedule; where more would be in flight, the endpoint cannot follow anyway
WAKES_S = 600.0  # what is scaled to zero is asked again for so long
_ASKED_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Measured:
    """One endpoint of a target, and what is sent to it in turn."""

    target: Target
    model: Model
    endpoint: str
    calls: Sequence[Call]
    say: Say


def cold(measured: Measured, count: int) -> list[Sample]:
    """`count` calls, each after the target was made cold. Raises LatencyError."""
    samples: list[Sample] = []
    progress, began = Progress("cold", count, measured.say), time.perf_counter()
    for call, _ in zip(cycle(measured.calls), range(count), strict=False):
        measured.target.make_cold(measured.model, measured.endpoint)
        samples.append(asyncio.run(_cold_call(measured, call, began)))
        progress.seen(samples[-1])
    _refuse_throttled(samples, measured, "calls that were to be cold")
    return samples


async def _cold_call(measured: Measured, call: Call, began: float) -> Sample:
    """Refused while a model comes back from zero copies, it is asked again; its time counts from the first."""
    async with aclosing(Connections()) as http:
        due = time.perf_counter()
        while True:
            sample = await ask(http, measured.target.caller, call, Phased("cold", began, concurrency=1), due)
            if sample.code != "MODEL_NOT_READY" or time.perf_counter() - due > WAKES_S:
                return sample
            await asyncio.sleep(_ASKED_AGAIN_S)


def warm(measured: Measured, clients: int, requests: int) -> list[Sample]:
    """`requests` from `clients` that wait for each answer. Raises Throttled, NotAnswering."""
    progress = Progress(f"warm, {clients} at once", requests, measured.say)
    samples = asyncio.run(closed_loop(measured.target.caller, cycle(measured.calls), clients, requests, progress.seen))
    _refuse_throttled(samples, measured, f"calls with --clients {clients}")
    if not any(sample.is_good for sample in samples):
        errors = Figures.of(samples).told_errors
        raise NotAnswering(f"{measured.model.spec.name} {measured.endpoint}: answers no more ({errors}); see its log")
    return samples


def load(measured: Measured, rate: float, seconds: float, seed: int, warm_ms: float) -> list[Sample]:
    """Requests at `rate` a second; `warm_ms` is what one takes alone. Errors are results here."""
    moments = list(arrivals(rate, seconds, Random(f"{seed} {rate:g}")))  # noqa: S311 - a schedule, not a secret
    progress = Progress(f"load, {rate:g} a second", len(moments), measured.say)
    schedule = open_loop(
        measured.target.caller,
        cycle(measured.calls),
        moments,
        rate,
        progress.seen,
        warm_up=in_flight(rate, warm_ms / 1000),
    )
    return asyncio.run(schedule)


def in_flight(rate: float, seconds: float) -> int:
    """How many requests are under way at once, and two standard deviations more: Little's law, and Poisson's.

    Within the two bounds above: how much longer a request takes beside others, nobody knows before.
    """
    mean = rate * seconds
    return min(MOST_WARMING_UP, max(LEAST_WARMING_UP, ceil(mean + 2 * sqrt(mean))))


def alone_ms(samples: Sequence[Sample]) -> float:
    """What a good call of the fewest clients takes, the median."""
    good = [sample for sample in samples if sample.is_good]
    fewest = min(sample.concurrency for sample in good)
    return median(sample.total_ms for sample in good if sample.concurrency == fewest)


def _refuse_throttled(samples: Sequence[Sample], measured: Measured, calls: str) -> None:
    throttled = sum(sample.status == 429 for sample in samples)
    if throttled:
        raise Throttled(
            f"{measured.model.spec.name} {measured.endpoint}: {throttled} of {len(samples)} {calls} were throttled "
            f"(429); lower --clients, or raise the endpoint's max_concurrency or the stage's throttle"
        )
