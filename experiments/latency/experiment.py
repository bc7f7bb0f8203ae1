"""One latency experiment: cold, warm and load at one endpoint, into one folder, which is written once all is done."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.client.call import Call
from experiments.client.sample import Sample
from experiments.latency import phases
from experiments.latency.errors import BadChoice
from experiments.latency.first_answers import first_answers
from experiments.latency.plan import Plan
from experiments.latency.progress import Say
from experiments.latency.run import Run, environment, now, settings_of, write_run
from experiments.latency.targets import Target
from models.registry import Model
from models.samples import samples as samples_of

NOT_MEASURED = "not measured"


def experiment(  # noqa: PLR0917 - what is measured, in the order that it is said in
    target: Target,
    model: Model,
    endpoint: str,
    images: Sequence[Path],
    plan: Plan,
    folder: Path,
    say: Say = print,
) -> None:
    """Measures, then writes requests.csv and run.json into `folder`; `images`, or the model's samples, in turn.

    Raises LatencyError, and leaves `folder` as it was.
    """
    settings = answering(model, endpoint)
    calls = _calls(model, endpoint, images)
    measured = phases.Measured(target, model, endpoint, calls, say)
    how_cold = target.how_cold(settings)
    started, began = now(), time.perf_counter()
    first = asyncio.run(first_answers(target.caller, calls, say))
    if plan.cold:
        say(f"cold: {how_cold or f'no caller of a {settings.kind} endpoint that is always on meets it'}")
    rows = _rows(measured, plan, first, cold_starts=plan.cold if how_cold else 0)
    run = Run(
        model=model.spec.name,
        version=model.spec.model.version,
        endpoint=endpoint,
        settings=settings_of(settings),
        target=target.kind,
        how_cold=how_cold if plan.cold or not how_cold else NOT_MEASURED,
        emulated=target.emulated(settings),
        environment=environment() | ({"api": target.caller.url} if target.kind == "aws" else {}),
        started=started,
        seconds=time.perf_counter() - began,
        seed=plan.seed,
    )
    write_run(run, rows, folder)


def _rows(measured: phases.Measured, plan: Plan, first: Sequence[Sample], cold_starts: int) -> list[Sample]:
    rows = phases.cold(measured, cold_starts)
    warm = [row for clients in plan.clients for row in phases.warm(measured, clients, plan.requests)]
    alone_ms = phases.alone_ms(warm or first)
    rows += warm
    for rate in plan.rates:
        rows += phases.load(measured, rate, plan.seconds, plan.seed, alone_ms)
    return rows


def answering(model: Model, endpoint: str) -> Any:
    """The settings of `endpoint`, as models.endpoints has them. Raises BadChoice where it answers no request itself."""
    known = answering_endpoints(model)
    settings = model.spec.endpoints.get(endpoint)
    if settings is None:
        raise BadChoice(
            f"--endpoint {endpoint}: {model.spec.name} has no such endpoint; choose one of {', '.join(known)}"
        )
    if endpoint not in known:
        others = f"; choose one of {', '.join(known)}" if known else ""
        raise BadChoice(
            f"--endpoint {endpoint}: is asynchronous, so that its callers do not wait for it (docs/jobs.md){others}"
        )
    return settings


def answering_endpoints(model: Model) -> Sequence[str]:
    """The names of those that answer a request themselves."""
    return [name for name, settings in model.spec.endpoints.items() if settings.kind != "async"]


def _calls(model: Model, endpoint: str, images: Sequence[Path]) -> Sequence[Call]:
    """Raises BadChoice."""
    files = images or list(samples_of(model).values())
    if not files:
        raise BadChoice(f"{model.spec.name}: has no samples/ to send; give --image FILE")
    calls = []
    for file in files:
        try:
            calls.append(Call.of_file(model.spec.name, endpoint, file))
        except OSError as error:
            raise BadChoice(f"--image {file}: {error.strerror}; give a file to send") from error
    return calls
