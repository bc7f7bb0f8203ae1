"""A sweep without AWS: one local run with every variant as an endpoint, each held to what it would have there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from experiments.latency.run import settings_of
from experiments.latency.targets import LocalTarget, Target, local_target
from models.registry import Model


class OnThisMachine:
    """A local run with the endpoints of `model`; of their servers one is there at a time."""

    def __init__(self, target: LocalTarget, model: Model) -> None:
        self._target, self._model = target, model

    @contextmanager
    def serving(self, variant: str) -> Iterator[Target]:
        """Starts with its first call, and is ended. Raises LatencyError when the local run has ended."""
        try:
            yield self._target
        finally:
            self._target.make_cold(self._model, variant)


@contextmanager
def on_this_machine(model: Model) -> Iterator[OnThisMachine]:
    """A local run while entered. Raises LocalRunFault."""
    tables = {name: settings_of(each) for name, each in model.spec.endpoints.items()}
    context = ("-c", f"model={model.spec.name}", "-c", f"endpoints={json.dumps(tables)}")
    with local_target(*context, emulate=True) as target:
        yield OnThisMachine(target, model)
