"""The runs in a folder: of one model, at one place, each endpoint once, in the order in which they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.client.sample import Sample
from experiments.latency.run import RUN, Run, Target, read_run
from experiments.report.candidate import Candidate, measured
from experiments.report.faults import MixedRuns, NoAnswers, NoRuns

_ORDER = ("serverless", "lambda", "realtime", "async")


@dataclass(frozen=True, slots=True)
class Measured:
    """A run, its requests, and what they come to."""

    run: Run
    samples: Sequence[Sample]
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Runs:
    """At least one; serverless by memory, then functions by memory, then instances by their type."""

    each: Sequence[Measured]

    @property
    def model(self) -> str:
        """Of all of them."""
        return self.each[0].run.model

    @property
    def target(self) -> Target:
        """Where all of them ran."""
        return self.each[0].run.target

    @property
    def candidates(self) -> Sequence[Candidate]:
        """Each as the recommendation weighs it."""
        return [one.candidate for one in self.each]

    @property
    def place(self) -> str:
        """Where these figures are from, for a plot's title."""
        return "in a local run on this machine, not on AWS" if self.target == "local" else "on AWS"


def read_runs(folder: Path) -> Runs:
    """Every run right below `folder`. Raises NoRuns, MixedRuns, NoAnswers; ForeignRows for files of another version."""
    folders = sorted(file.parent for file in folder.glob(f"*/{RUN}"))
    if not folders:
        raise NoRuns(f"{folder}: has no */{RUN}; make one with python -m experiments.latency MODEL")
    found = [_measured(each) for each in folders]
    for what, values in (("models", {one.run.model for one in found}), ("targets", {one.run.target for one in found})):
        if len(values) > 1:
            several = ", ".join(sorted(values))
            raise MixedRuns(f"{folder}: has runs of several {what} ({several}); give each a folder of its own")
    names = [one.run.endpoint for one in found]
    for name in names:
        if names.count(name) > 1:
            raise MixedRuns(f"{folder}: has two runs of the endpoint {name}; remove the folder of one")
    return Runs(sorted(found, key=_place))


def _measured(folder: Path) -> Measured:
    run, samples = read_run(folder)
    try:
        return Measured(run, samples, measured(run, samples))
    except NoAnswers as error:
        raise NoAnswers(f"{folder}: {error}; measure it again, or remove the folder") from error


def _place(one: Measured) -> tuple[Any, ...]:
    settings = one.candidate.settings
    size = getattr(settings, "memory_mb", 0), getattr(settings, "instance_type", "")
    return _ORDER.index(one.candidate.kind), settings.is_gpu, *size, one.run.endpoint
