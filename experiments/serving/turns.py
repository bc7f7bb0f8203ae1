"""Ours and the floor, both alive, measured in turns of seconds.

The servers of the whole measurement run minutes apart, and a shared machine changes speed in between. A difference of
a few per cent or milliseconds shows only where both meet the same machine.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from experiments.performance.pictures import pictures
from experiments.serving.load import Result
from experiments.serving.measure import WARM_S, Measure, floor_of, served
from experiments.serving.models import Model
from experiments.serving.servers import CORES, FLOOR, OURS, SERVERS

ROUNDS, SECONDS, CLIENTS = 5, 3.0, (1, 8)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of each."""

    model: str
    picture: str
    clients: int
    share: float
    """Our requests in a second, of the floor's."""
    more_ms: float
    """Our median latency less the floor's."""


def take_turns(models: tuple[Model, ...], say: Callable[[str], None]) -> list[dict[str, object]]:
    """Every turn, as JSON can hold it."""
    taken = []
    for model in models:
        say(f"{model.name}: ours and the floor in {ROUNDS} turns of {SECONDS:g} seconds each")
        for turn in _of(model):
            taken.append(asdict(turn))
            what = f"{turn.picture:>13}, {turn.clients} clients"
            say(f"    {what}: {turn.share:.1%} of the floor's throughput, p50 {turn.more_ms:+.2f} ms")
    return taken


def median_turn(taken: list[dict[str, Any]], model: str, picture: str, clients: int) -> Turn | None:
    """Medians over the rounds; None where no turns were taken."""
    rows = [row for row in taken if (row["model"], row["picture"], row["clients"]) == (model, picture, clients)]
    if not rows:
        return None
    share, more = (median(row[name] for row in rows) for name in ("share", "more_ms"))
    return Turn(model, picture, clients, share, more)


def _of(model: Model) -> Iterator[Turn]:
    named, sent = {server.name: server for server in SERVERS}, pictures()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as other,
        served(model, named[OURS], sent, Path(folder)) as (_, _, ours),
        floor_of(model, named[FLOOR], sent, Path(other)) as (_, _, floor),
    ):
        for picture in sent:
            ours(picture, CORES, WARM_S)
            for clients in CLIENTS:
                for _ in range(ROUNDS):
                    yield _turn(model, picture, floor, ours, clients)


def _turn(model: Model, picture: str, floor: Measure, ours: Measure, clients: int) -> Turn:
    least: Result = floor(picture, clients, SECONDS)
    found: Result = ours(picture, clients, SECONDS)
    if found.errors:
        raise RuntimeError(f"{model.name}, {picture}, {clients} clients: {found.faults}")
    return Turn(model.name, picture, clients, found.per_s / least.per_s, found.p50_ms - least.p50_ms)
