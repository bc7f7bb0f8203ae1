"""The measurement: one server alive at a time, rounds interleaved over servers, everything checked and cleaned up."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.performance.pictures import pictures
from experiments.serving.load import Result, check
from experiments.serving.models import Model
from experiments.serving.processes import DidNotAnswer, Tree, free_port, started, watched
from experiments.serving.servers import CLIENTS, CORES, CURVE, FLOOR, OURS, SOURCES, Server
from models.registry import ROOT

START_S, WARM_S, WARM_ANSWERS = 120.0, 3.0, 20
_POLL_S = 0.02

Measure = Callable[[str, int, float], Result]
"""Picture, clients, seconds -> what was measured."""


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    models: tuple[Model, ...]
    servers: tuple[Server, ...]
    rounds: int
    seconds: float

    def steps(self) -> Iterator[tuple[int, Model, Server]]:
        """Each start of a server, in order."""
        for turn in range(self.rounds):
            for model in self.models:
                for server in self.servers:
                    yield turn, model, server


Record = dict[str, object]
"""One measurement: model, server, picture, round, first_s and the fields of a Result."""


def run(plan: Plan, say: Callable[[str], None], keep: Callable[[list[Record]], object]) -> list[Record]:
    """Measures `plan`; a server that fails is told, and left out of that round. All so far is kept after each start."""
    sent = pictures()
    steps = list(plan.steps())
    records: list[Record] = []
    begun = time.monotonic()
    for at, (turn, model, server) in enumerate(steps):
        left = (time.monotonic() - begun) / at * (len(steps) - at) / 60 if at else 0.0
        rest = f", some {left:.0f} minutes left" if at else ""
        say(f"[{at + 1}/{len(steps)}] round {turn + 1} of {plan.rounds}, {model.name}, {server.title}{rest}")
        try:
            for record in _one(model, server, sent, plan.seconds):
                records.append({"model": model.name, "server": server.name, "round": turn} | record)
                say(_line(records[-1]))
        except (DidNotAnswer, OSError, subprocess.SubprocessError) as fault:
            records.append({"model": model.name, "server": server.name, "round": turn, "failed": str(fault)})
            say(f"    FAILED: {fault}")
        keep(records)
    return records


def _one(model: Model, server: Server, sent: dict[str, bytes], seconds: float) -> Iterator[Record]:
    """One start of one server: warm-up, then every picture and number of clients."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (floor_of if server.name == FLOOR else served)(model, server, sent, folder) as (tree, first_s, measure):
            for picture in sent:
                measure(picture, CORES, WARM_S)
            for picture in sent:
                for clients in CURVE if server.name == OURS else CLIENTS:
                    with watched(tree) as memory:
                        result = measure(picture, clients, seconds)
                    result.memory_mb = max(memory)
                    yield {"picture": picture, "first_s": first_s, **asdict(result)}


@contextmanager
def served(model: Model, server: Server, sent: dict[str, bytes], folder: Path) -> Iterator[tuple[Tree, float, Measure]]:
    """A running server, the seconds to its first answer, and what measures it."""
    port, expected = free_port(), model.expected()
    command, environment = server.command(model, port, folder), server.environment(model, folder)
    requests = {picture: folder / f"request-{at}" for at, picture in enumerate(sent)}
    for picture, file in requests.items():
        file.write_bytes(server.request(sent[picture]))
    with started(command, environment, folder) as tree:
        picture = next(iter(sent))
        first_s = _first_answer(tree, port, server, sent[picture], expected[picture])
        yield (
            tree,
            first_s,
            lambda picture, clients, seconds: _load(
                [str(port), str(requests[picture]), expected[picture], str(clients), str(seconds)]
            ),
        )


def _load(arguments: list[str]) -> Result:
    command = [sys.executable, "-m", "experiments.serving.load", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
    if done.returncode:
        raise DidNotAnswer(done.stderr[-500:])
    return Result(**json.loads(done.stdout))


def _first_answer(tree: Tree, port: int, server: Server, jpeg: bytes, label: str) -> float:
    """Seconds from the process's start to its first correct answer."""
    content_type, body = server.encoding(jpeg)
    headers = {"content-type": content_type, **server.headers}
    while time.perf_counter() < tree.started + START_S and tree.running():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
        try:
            connection.request("POST", server.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status == 200:
                check(b"HTTP/1.1 200" + content, label.encode())
                return time.perf_counter() - tree.started
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(_POLL_S)
    raise DidNotAnswer(tree.said())


@contextmanager
def floor_of(
    model: Model, server: Server, sent: dict[str, bytes], folder: Path
) -> Iterator[tuple[Tree, float, Measure]]:
    """The running floor, as if it were a server."""
    command = [sys.executable, "-m", "experiments.serving.floor", str(model.model_dir)]
    expected, files = model.expected(), {picture: folder / f"picture-{at}" for at, picture in enumerate(sent)}
    for picture, file in files.items():
        file.write_bytes(sent[picture])
    with started(command, server.environment(model, folder) | SOURCES, folder, talks=True) as tree:

        def measure(picture: str, clients: int, seconds: float) -> Result:
            threads = 1 if clients == 1 else CORES
            said = tree.ask(json.dumps([str(files[picture]), threads, seconds, expected[picture]]))
            return Result(**(json.loads(said) | {"clients": clients}))

        measure(next(iter(sent)), 1, 0.0)
        yield tree, time.perf_counter() - tree.started, measure


def _line(record: Record) -> str:
    parts = "{picture:>13}, {clients:2} clients: {per_s:7.1f}/s  p50 {p50_ms:7.1f} ms  p99 {p99_ms:7.1f} ms  "
    more = "{memory_mb:6.0f} MB  first {first_s:.2f} s  client {client_cpu_ms:.2f} ms CPU a request"
    faults = f"  ERRORS: {record['faults']}" if record["errors"] else ""
    return f"    {(parts + more).format(**record)}{faults}"
