"""Where an experiment asks: the local run, whose endpoints' servers it can end, and what that stands in for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import httpx

from experiments.client.caller import Caller
from experiments.latency.errors import LocalRunFault, NotAnswering
from experiments.local_run import FOR_MEASURING, MEASURED_STAGE, DidNotStart, Local, start_local
from local.bounds import bounds_of
from models.registry import Model

STOP_TIMEOUT_S = 60.0  # a server has 30 s to end by itself


class Target(Protocol):
    """An API with endpoints behind it."""

    @property
    def caller(self) -> Caller:
        """Who asks it."""

    @property
    def kind(self) -> Literal["local", "aws"]:
        """What run.json calls it."""

    def make_cold(self, model: Model, endpoint: str) -> None:
        """Blocks until the next call meets a server that must start. Raises LatencyError."""

    def how_cold(self, settings: Any) -> str:
        """How it is done for an endpoint of models.endpoints, a sentence; empty where no caller meets a cold start."""

    def emulated(self, settings: Any) -> Sequence[str]:
        """What stands in for AWS's processors, memory and network, a sentence each."""


def endpoint_name(stage: str, model: Model, endpoint: str) -> str:
    """As stacks.naming has it, which only an app of the CDK can import."""
    return f"fovea-{stage}-{model.spec.name}-{endpoint}"


def meets_cold_starts(settings: Any) -> bool:
    """Whether a caller of such an endpoint ever waits for a server's start: not where some are always on."""
    if settings.kind == "realtime":
        return settings.component is not None
    return getattr(settings, "provisioned_concurrency", None) is None


class LocalTarget:
    """A local run of `stage`; `emulates` says whether it holds servers to what they have in AWS."""

    kind: Literal["local"] = "local"

    def __init__(self, local: Local, stage: str, *, emulates: bool = False) -> None:
        self._runtime_url, self._stage, self._emulates = local.runtime_url, stage, emulates
        self.caller = Caller(local.url, key=local.key)

    def make_cold(self, model: Model, endpoint: str) -> None:
        """Ends the endpoint's processes. Raises NotAnswering."""
        name = endpoint_name(self._stage, model, endpoint)
        url = f"{self._runtime_url}/local/endpoints/{name}/stop"
        try:
            answer = httpx.post(url, timeout=STOP_TIMEOUT_S, trust_env=False)
        except httpx.TransportError as error:
            raise NotAnswering(f"{url}: {type(error).__name__}: the local run has ended; start again") from error
        if answer.status_code != 204:
            raise NotAnswering(f"{name}: the local run has no such endpoint; its stage has those of this model.toml")

    def how_cold(self, settings: Any) -> str:
        """Nothing is fetched, so it is the least that a cold start can be."""
        if not meets_cold_starts(settings):
            return ""
        return (
            "a new process: the endpoint's own was ended, so that the call waits for another, whose files this machine "
            "has in memory still; AWS fetches the image and the model besides"
        )

    def emulated(self, settings: Any) -> Sequence[str]:
        """How a server is held to what it has in AWS, or that all of this machine serves; and what stands in beside."""
        around = "gateway, proxy and SageMaker are the local run's, on this machine too: no network is between them"
        memory_mb, instance_type = (getattr(settings, name, None) for name in ("memory_mb", "instance_type"))
        if self._emulates:
            return (*bounds_of(settings.kind, memory_mb, instance_type).told, around)
        function = "a Lambda function" if settings.kind == "lambda" else "a serverless endpoint"
        place = instance_type or f"{function} of {memory_mb} MB"
        return f"on this machine's own processor and memory, not on {place}", around


@contextmanager
def local_target(*context: str, emulate: bool = False) -> Iterator[LocalTarget]:
    """A local run for measuring, with `context` beside, while entered. Raises LocalRunFault."""
    options = (*context, *(["--emulate"] if emulate else []))
    with TemporaryDirectory(prefix="fovea-measured-") as state, measured(Path(state), *options) as local:
        yield LocalTarget(local, MEASURED_STAGE, emulates=emulate)


@contextmanager
def measured(state: Path, *options: str) -> Iterator[Local]:
    """A local run for measuring, its files in `state`, while entered. Raises LocalRunFault."""
    try:
        with start_local(state, *FOR_MEASURING, *options) as local:
            yield local
    except DidNotStart as error:
        said = str(error).strip().splitlines() or ["it said nothing"]
        raise LocalRunFault(f"the local run does not start: {said[-1]}") from error
