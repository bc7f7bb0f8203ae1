"""Memory and processor time of every part of a local run, looked at while it is under load."""

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import psutil

EVERY_S = 2.0
CLIENT = "this client"
MB = 1_000_000
_SPOKEN = re.compile(r"^fovea-[a-z]+-")
_ALONE = "gateway"
"""The local run's own process: all other parts are its children."""


@dataclass(frozen=True, slots=True)
class Look:
    """One part at one moment: how much memory it holds, a shared page in proportion, and CPU seconds so far."""

    at_s: float
    memory_mb: float
    cpu_s: float


@dataclass
class Part:
    """What was seen of one part; of processes that have ended, what they had used then."""

    looks: list[Look] = field(default_factory=list)
    _cpu: dict[int, float] = field(default_factory=dict)

    def look(self, at_s: float, members: Sequence[psutil.Process]) -> None:
        """One more."""
        memory = 0.0
        for member in members:
            with suppress(psutil.Error):
                times = member.cpu_times()
                self._cpu[member.pid] = times.user + times.system
                memory += _memory(member)
        self.looks.append(Look(at_s, memory / MB, sum(self._cpu.values())))

    @property
    def peak_mb(self) -> float:
        """The most memory at any look."""
        return max((look.memory_mb for look in self.looks), default=0.0)

    @property
    def mean_mb(self) -> float:
        """Memory over all looks."""
        return sum(look.memory_mb for look in self.looks) / max(1, len(self.looks))

    @property
    def cores(self) -> float:
        """Processor seconds a second between the first look and the last."""
        if len(self.looks) < 2:
            return 0.0
        first, last = self.looks[0], self.looks[-1]
        return (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s)


@contextmanager
def watched(runtime_url: str) -> Iterator[Mapping[str, Part]]:
    """The parts of the local run with that address, by name, and this process, looked at while entered."""
    parts: dict[str, Part] = {}
    ended, began = threading.Event(), time.monotonic()

    def watch() -> None:
        while True:
            with suppress(httpx.HTTPError):
                named = httpx.get(f"{runtime_url}/local/processes", timeout=5, trust_env=False).json()
                for name, pids in {**named, CLIENT: [os.getpid()]}.items():
                    if pids:
                        part = parts.setdefault(_SPOKEN.sub("", name), Part())
                        part.look(time.monotonic() - began, _members(pids, alone=name in {_ALONE, CLIENT}))
            if ended.wait(EVERY_S):
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield parts
    finally:
        ended.set()
        thread.join()


def _members(pids: Sequence[int], *, alone: bool) -> Sequence[psutil.Process]:
    members = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            members += [process, *([] if alone else process.children(recursive=True))]
    return members


def _memory(process: psutil.Process) -> float:
    """In bytes. What several processes share counts once where the system tells (Linux)."""
    try:
        return float(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return float(process.memory_info().rss)
