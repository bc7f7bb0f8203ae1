"""What was asked of the model server beside the others, and whether it was reached."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

from experiments.serving.results import Median, Results, medians, models, pictures
from experiments.serving.servers import BFLOAT16, FLOOR, KERAS, OURS
from experiments.serving.turns import Turn, median_turn

UNDER_LOAD, ALONE = 8, 1
_NO_BASELINES = (OURS, BFLOAT16, FLOOR)  # the floor serves nobody
_FLOOR_SHARE = {"224x224": 0.95, "12 megapixels": 0.90}
_BEST_RATIO = {"224x224": 1.5, "12 megapixels": 3.0}
_KERAS_RATIO, _LATENCY_MS, _P99_RATIO, _FIRST_RATIO = 14.0, 1.5, 2.0, 10.0

Medians = dict[str, dict[int, Median]]


class Verdict(NamedTuple):
    """What was asked, and what was measured."""

    asked: str
    measured: str
    reached: bool
    floor: str = ""
    """What the floor itself reaches; empty where it has no say."""


Verdicts = Iterator[Verdict]


@dataclass(frozen=True, slots=True)
class Target:
    """A verdict on one network and picture."""

    model: str
    picture: str
    verdict: Verdict


def targets(results: Results) -> Iterator[Target]:
    """Every target for which the servers it names were measured."""
    for model in models(results):
        for picture in pictures(results):
            measured = medians(results, model, picture)
            if OURS in measured:
                beside = _beside_floor(partial(median_turn, results["turns"], model, picture), picture)
                parts = (part(measured, picture) for part in (_throughput, _tail, _memory, _first))
                for verdict in chain(beside, *parts):
                    yield Target(model, picture, verdict)


def _beside_floor(turn: Callable[[int], Turn | None], picture: str) -> Verdicts:
    loaded, alone = turn(UNDER_LOAD), turn(ALONE)
    if loaded and alone:
        least, share, more = _FLOOR_SHARE[picture], loaded.share, alone.more_ms
        asked = f"8 clients: at least {least:.0%} of the floor's throughput, in turns"
        yield Verdict(asked, f"{share:.1%}", share >= least)
        asked = f"1 client: p50 within {_LATENCY_MS} ms of the floor, in turns"
        yield Verdict(asked, f"{more:+.2f} ms", more <= _LATENCY_MS)


def _throughput(measured: Medians, picture: str) -> Verdicts:
    yield from _beside_others(measured, picture, OURS, "8 clients")
    if BFLOAT16 in measured:
        yield from _beside_others(measured, picture, BFLOAT16, "8 clients, in bfloat16")


def _beside_others(measured: Medians, picture: str, name: str, said: str) -> Verdicts:
    rates = {other: each[UNDER_LOAD].per_s for other, each in measured.items()}
    asked = {"(a)": (KERAS, _KERAS_RATIO)} if KERAS in measured and picture == "224x224" else {}
    others = [other for other in measured if other not in (*_NO_BASELINES, KERAS)]
    if others:
        best = max(others, key=rates.__getitem__)
        asked[f"the best of (b) to (f), {best}"] = (best, _BEST_RATIO[picture])
    for of, (other, least) in asked.items():
        times = rates[name] / rates[other]
        floor = f"{rates[FLOOR] / rates[other]:.2f} times" if FLOOR in rates and name == OURS else ""
        yield Verdict(f"{said}: at least {least:g} times {of}", f"{times:.2f} times", times >= least, floor)


def _tail(measured: Medians, _picture: str) -> Verdicts:
    loaded = measured[OURS][UNDER_LOAD]
    ratio = loaded.p99_ms / loaded.p50_ms
    yield Verdict(f"8 clients: p99 at most {_P99_RATIO:g} times p50", f"{ratio:.2f} times", ratio <= _P99_RATIO)


def _memory(measured: Medians, _picture: str) -> Verdicts:
    others = {name: each for name, each in measured.items() if name not in _NO_BASELINES}
    for clients, ours in measured[OURS].items():
        theirs = {name: each[clients].memory_mb for name, each in others.items() if clients in each}
        if theirs:
            least = min(theirs, key=theirs.__getitem__)
            said = f"{ours.memory_mb:.0f} MB, {least} {theirs[least]:.0f} MB"
            asked = f"{clients} clients: less memory than each of (a) to (f)"
            yield Verdict(asked, said, ours.memory_mb < theirs[least])


def _first(measured: Medians, picture: str) -> Verdicts:
    if KERAS in measured and picture == "224x224":
        theirs = measured[KERAS][ALONE].first_s
        ratio = theirs / measured[OURS][ALONE].first_s
        floor = f"{theirs / measured[FLOOR][ALONE].first_s:.1f} times" if FLOOR in measured else ""
        asked = f"start to first correct answer: at least {_FIRST_RATIO:g} times as fast as (a)"
        yield Verdict(asked, f"{ratio:.1f} times", ratio >= _FIRST_RATIO, floor)
