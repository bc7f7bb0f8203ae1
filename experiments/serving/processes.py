"""A server as a tree of processes: started, watched and stopped as one, whatever sessions its children make."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

SAMPLE_S, SHARE = 0.2, 0.02  # of the time, at most, goes into watching
STOP_S = 10.0
MB = 1_000_000


class DidNotAnswer(Exception):
    """The server ended, or gave no correct answer in time; carries the end of what it said."""


class Tree:
    """The process that was started and all that came from it."""

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, *, talks: bool
    ) -> None:
        self._log = folder / "said.txt"
        self.started = time.perf_counter()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._seen: dict[int, psutil.Process] = {}

    def running(self) -> bool:
        """Whether the first process lives."""
        return self.process.poll() is None

    def said(self) -> str:
        """The end of its output."""
        return self._log.read_text(errors="replace")[-2000:] or "it said nothing"

    def ask(self, line: str) -> str:
        """The answer to `line` of a process that talks. Raises DidNotAnswer when it has ended."""
        if self.process.stdin is None or self.process.stdout is None:
            raise DidNotAnswer("this process does not talk")
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self.process.stdin, flush=True)
        said = self.process.stdout.readline()
        if not said:
            raise DidNotAnswer(self.said())
        return said

    def members(self) -> list[psutil.Process]:
        """All that live now; those once seen stay known when their parent ends."""
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            self._seen |= {one.pid: one for one in (parent, *parent.children(recursive=True))}
        return [one for one in self._seen.values() if one.is_running()]

    def memory_mb(self) -> float:
        """Proportional memory of all of them: a page that several share counts once."""
        return sum(_pss_kb(one.pid) for one in self.members()) * 1024 / MB

    def stop(self) -> None:
        """Asks the first process to end, then ends what is left."""
        members = self.members()
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        members += self.members()
        for one in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(members, STOP_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def started(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, *, talks: bool = False
) -> Iterator[Tree]:
    """The tree of `command` while entered, run in `folder`; one that `talks` answers lines with lines."""
    tree = Tree(command, environment, folder, talks=talks)
    try:
        yield tree
    finally:
        tree.stop()


@contextlib.contextmanager
def watched(tree: Tree) -> Iterator[list[float]]:
    """The memory of `tree` in MB, sampled while entered."""
    samples = [tree.memory_mb()]
    ended = threading.Event()

    def sample() -> None:
        pause = SAMPLE_S
        while not ended.wait(pause):
            before = time.perf_counter()
            samples.append(tree.memory_mb())
            pause = max(SAMPLE_S, (time.perf_counter() - before) / SHARE)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()
        samples.append(tree.memory_mb())


def free_port() -> int:
    """A port that nobody listens on, below those that clients get: multi-model-server takes none above 32767."""
    for port in range(18_080, 32_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DidNotAnswer("no port is free")


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
