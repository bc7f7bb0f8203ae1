"""The model server under full load for ten minutes, good requests and bad: does it get slower, larger, or wrong?

`python -m experiments.soak --minutes 10` prints a line every ten seconds and a table at the end, and writes
.cache/soak.json. tests/faults/test_soak.py runs the one-minute form.

Eight clients ask without a pause, each in a connection of its own; a fixed seed draws what they ask. What is measured
is the latency of the good small picture, by sixths of the time after a warm-up. Each sixth has five windows, and its
p99 is the median of theirs; windows in which processes that are not ours took a tenth of the machine do not count.

Memory is proportional (PSS), of all the server's processes, four times a second. What pictures under way hold comes and
goes with them, what leaks stays: so a sixth counts with what nine tenths of its samples exceed, its peak beside it.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median

import psutil

from experiments.serving.processes import Tree, free_port, started
from experiments.soak_figures import CLIENTS, MOST_DRIFT, MOST_GROWTH, Record, Result, p99, result_of
from experiments.soak_requests import MEASURED, Ask, asks
from models.archive import pack, unpack
from models.registry import ROOT

RESULT = ROOT / ".cache" / "soak.json"
LINE_EVERY_S, SAMPLE_S = 10.0, 0.25
_MODEL = ROOT / "models" / "diabetic_retinopathy"
_START_S, _ANSWER_S = 60.0, 30.0


def soak(minutes: float, say: Callable[[str], object] = print) -> Result:
    """Starts a server, keeps it busy for `minutes`, and tells what came out. Raises DidNotStart."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        unpack(pack(_MODEL / "model.toml", _MODEL / "artifact", folder / "model.tar.gz"), folder / "model")
        port, room = free_port(), folder / "run"
        room.mkdir()
        settings = {
            "SM_MODEL_DIR": str(folder / "model"),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "MODEL_SERVER_HOST": "127.0.0.1",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}",
        }
        with started([sys.executable, "-m", "model_server", "serve"], os.environ | settings, room) as server:
            _wait_until_ready(server, port)
            return _keep_busy(server, port, minutes, say)


class DidNotStart(Exception):
    """The server ended or was not ready in time; carries what it said."""


def _wait_until_ready(server: Tree, port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.running():
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise DidNotStart(server.said())


def _keep_busy(server: Tree, port: int, minutes: float, say: Callable[[str], object]) -> Result:
    record, ended = Record(), threading.Event()
    drawn, begin = asks(), time.monotonic()
    end = begin + minutes * 60
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(_client, number, port, drawn, ended, record) for number in range(CLIENTS)]
        line_at = begin + LINE_EVERY_S
        try:
            while (now := time.monotonic()) < end and server.running():
                record.memory.append((now, server.memory_mb()))
                record.others.append((now, _others_s(server)))
                if now >= line_at:
                    say(_line(record, begin, now))
                    line_at += LINE_EVERY_S
                time.sleep(SAMPLE_S)
        finally:
            ended.set()
        for client in clients:
            client.result()
    if not server.running():
        record.unexpected[f"the server ended: {server.said()[-300:]}"] += 1
    return result_of(record, begin, end, minutes)


def _others_s(server: Tree) -> float:
    """CPU seconds that the machine has spent on neither the server nor its clients."""
    total = psutil.cpu_times()
    ours = [one.cpu_times() for one in [psutil.Process(), *server.members()] if one.is_running()]
    busy = total.user + total.nice + total.system + getattr(total, "steal", 0.0)
    return float(busy - sum(one.user + one.system for one in ours))


def _client(number: int, port: int, drawn: list[Ask], ended: threading.Event, record: Record) -> None:
    """Asks until the end; a connection that breaks where it should not is an unexpected outcome."""
    draw = random.Random(number)  # noqa: S311 no secret
    weights = [ask.share for ask in drawn]
    connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    while not ended.is_set():
        (ask,) = draw.choices(drawn, weights)
        asked = time.monotonic()
        try:
            outcome = ask.send(connection)
        except (OSError, HTTPException) as error:
            outcome = type(error).__name__
            connection.close()
        now = time.monotonic()
        name = f"{ask.name}: {outcome}"
        record.outcomes[name] += 1
        if outcome != ask.expected:
            record.unexpected[name] += 1
        elif ask.name == MEASURED:
            record.answers.append((now, (now - asked) * 1000))
    connection.close()


def _line(record: Record, begin: float, now: float) -> str:
    recent = [spent for at, spent in list(record.answers) if at > now - LINE_EVERY_S]
    spread = f"p50 {median(recent):.1f} ms, p99 {p99(recent):.1f} ms" if recent else "no good answer"
    return (
        f"{now - begin:5.0f} s  {sum(record.outcomes.values())} requests, {spread}, "
        f"{record.memory[-1][1]:.1f} MB, {sum(record.unexpected.values())} unexpected"
    )


def main() -> int:
    """The command line; 1 when a bound was passed."""
    parser = argparse.ArgumentParser(prog="python -m experiments.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    result = soak(parser.parse_args().minutes)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(asdict(result) | {"growth": result.growth, "drift": result.drift}, indent=1))
    print(result.table())
    return int(bool(result.unexpected) or result.growth > MOST_GROWTH or result.drift > MOST_DRIFT)


if __name__ == "__main__":
    raise SystemExit(main())
