"""Ways beside one another in turn, so that what disturbs the machine disturbs all; medians of the rounds' ratios.

Rounds in which other processes worked are repeated for a while; the quietest ones count.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

Way = Callable[[], object]
ROUNDS, SECONDS = 9, 0.4
_QUIET, _TRIES = 0.05, 3  # cores that others may use; times the rounds, at most


def latencies(ways: Mapping[str, Way], rounds: int = ROUNDS, seconds: float = SECONDS) -> str:
    """Milliseconds of each of `ways`, one call after another."""
    return values({name: partial(_one_by_one, way, seconds) for name, way in ways.items()}, rounds, "ms")


def throughputs(ways: Mapping[str, Way], threads: int, rounds: int = ROUNDS, seconds: float = SECONDS) -> str:
    """Calls a second of each of `ways`, by so many threads at once."""
    return values({name: partial(at_once, way, threads, seconds) for name, way in ways.items()}, rounds, "/s")


def values(ways: Mapping[str, Callable[[], float]], rounds: int, unit: str, tries: int = _TRIES) -> str:
    """What each of `ways` says of itself: the median, and the median ratio to the first in the same round."""
    taken = _quietest(ways, rounds, tries)
    lines = []
    for name in ways:
        ratio = median(each[name] / each[next(iter(ways))] for each in taken)
        value = median(each[name] for each in taken)
        lines.append(f"    {name:<44} {value:9.2f} {unit:<3} {ratio:5.2f} times the first")
    return "\n".join(lines)


def _quietest(ways: Mapping[str, Callable[[], float]], rounds: int, tries: int) -> list[dict[str, float]]:
    for way in ways.values():
        way()
    taken: list[tuple[float, dict[str, float]]] = []
    for _ in range(tries * rounds):
        others, started = _others_s(), time.perf_counter()
        each = {name: way() for name, way in ways.items()}
        taken.append(((_others_s() - others) / (time.perf_counter() - started), each))
        if sum(disturbance < _QUIET for disturbance, _ in taken) == rounds:
            break
    taken.sort(key=lambda one: one[0])
    return [each for _, each in taken[:rounds]]


def _others_s() -> float:
    """Seconds of all cores that went to other processes, since the machine started; 0 where /proc is not Linux's."""
    file, ours = Path("/proc/stat"), os.times()
    if not file.is_file():
        return 0.0
    user, nice, system, _idle, _wait, interrupts, soft, steal = map(int, file.read_text().split()[1:9])
    busy = (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
    return busy - ours.user - ours.system - ours.children_user - ours.children_system


def _one_by_one(way: Way, seconds: float) -> float:
    each, started = [], time.perf_counter()
    while time.perf_counter() < started + seconds:
        before = time.perf_counter()
        way()
        each.append(time.perf_counter() - before)
    return median(each) * 1000


def at_once(way: Way, threads: int, seconds: float) -> float:
    """Calls a second by `threads` threads, from the first call's start to the last one's end."""
    done, started = [0] * threads, time.perf_counter()

    def loop(number: int) -> None:
        while time.perf_counter() < started + seconds:
            way()
            done[number] += 1

    each = [threading.Thread(target=loop, args=(number,)) for number in range(threads)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    return sum(done) / (time.perf_counter() - started)
