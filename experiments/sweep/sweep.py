"""The sweep itself: each variant in its turn, those that are measured already left out, one that fails told."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from experiments.client.caller import NoCredentials
from experiments.client.sample import ForeignRows
from experiments.latency.errors import LatencyError
from experiments.latency.run import Target as Kind
from experiments.latency.run import read_run, settings_of
from experiments.latency.targets import Target
from experiments.sweep.errors import SweepError
from models.registry import Model

Say = Callable[[str], None]

Measure = Callable[[Target, Model, str, Path], None]
"""The latency experiment at one endpoint of a model, into a folder. Raises LatencyError."""


class Place(Protocol):
    """Where variants are served, one at a time."""

    def serving(self, variant: str) -> AbstractContextManager[Target]:
        """What to ask while `variant` is served, and nothing else. Raises SweepError and LatencyError."""


def left_to_measure(model: Model, kind: Kind, folder: Path) -> Sequence[str]:
    """The variants that `folder` does not have, in this version and with the same settings."""
    return [name for name in model.spec.endpoints if not _is_measured(model, name, kind, folder / name)]


def sweep(place: Place, model: Model, left: Sequence[str], measure: Measure, folder: Path, *, say: Say) -> list[str]:
    """Measures the variants that are `left`; gives a line for each that could not be."""
    faults, count = [], len(model.spec.endpoints)
    for at, name in enumerate(model.spec.endpoints, start=1):
        if name not in left:
            say(f"{at} of {count}: {name}: is measured already, in {folder / name}; --again measures it anew")
            continue
        say(f"\n{at} of {count}: {name}")
        try:
            with place.serving(name) as target:
                measure(target, model, name, folder / name)
        except (LatencyError, SweepError, NoCredentials) as error:
            faults.append(f"{name}: {error}")
            say(f"{at} of {count}: {faults[-1]}")
    return faults


def _is_measured(model: Model, name: str, kind: Kind, folder: Path) -> bool:
    try:
        run, _ = read_run(folder)
    except ForeignRows:
        return False
    asked = model.spec.name, model.spec.model.version, name, settings_of(model.spec.endpoints[name]), kind
    return (run.model, run.version, run.endpoint, run.settings, run.target) == asked
