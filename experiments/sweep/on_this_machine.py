"""A sweep without AWS: one local run with every variant as an endpoint, each held to what it would have there."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.latency.__main__ import FOR_MEASURING, LOCAL_STAGE
from experiments.latency.errors import LocalRunFault
from experiments.latency.run import settings_of
from experiments.latency.targets import LocalTarget, Target
from experiments.local_run import DidNotStart, Local, start_local
from local.bounds import bounds_of
from models.registry import Model


class EmulatedTarget(LocalTarget):
    """A local run that emulates what each endpoint has in AWS."""

    def emulated(self, settings: Any) -> Sequence[str]:
        """How its server is held to it, and what stands in for the rest."""
        memory_mb, instance_type = (getattr(settings, name, None) for name in ("memory_mb", "instance_type"))
        *_, around = super().emulated(settings)
        return (*bounds_of(settings.kind, memory_mb, instance_type).told, around)


class OnThisMachine:
    """A local run with the endpoints of `model`; of their servers one is there at a time."""

    def __init__(self, local: Local, model: Model) -> None:
        self._target, self._model = EmulatedTarget(local, LOCAL_STAGE), model

    @contextmanager
    def serving(self, variant: str) -> Iterator[Target]:
        """Starts with its first call, and is ended. Raises LatencyError when the local run has ended."""
        try:
            yield self._target
        finally:
            self._target.make_cold(self._model, variant)


@contextmanager
def on_this_machine(model: Model, state: Path) -> Iterator[OnThisMachine]:
    """A local run while entered; its files go to `state`. Raises LocalRunFault."""
    tables = {name: settings_of(each) for name, each in model.spec.endpoints.items()}
    context = ("-c", f"model={model.spec.name}", "-c", f"endpoints={json.dumps(tables)}")
    try:
        with start_local(state, "--emulate", *FOR_MEASURING, *context) as local:
            yield OnThisMachine(local, model)
    except DidNotStart as error:
        said = str(error).strip().splitlines() or ["it said nothing"]
        raise LocalRunFault(f"the local run does not start: {said[-1]}") from error
