"""Granian in the place of uvicorn, both with uvloop, under one ASGI application; our own server beside them."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from experiments.levers.asgi import NAME
from experiments.levers.timing import values
from experiments.performance.pictures import pictures
from experiments.serving.models import Model
from experiments.serving.processes import Tree, started
from experiments.serving.servers import OURS, SERVERS
from models.registry import ROOT

_CLIENTS, _SECONDS, _ROUNDS, _START_S = 8, 2.0, 5, 30.0
_FIRST_PORT = 18_900
_APP = "experiments.levers.asgi:app"
_COMMANDS = {
    "uvicorn": "uvicorn --loop=uvloop --http=httptools --no-access-log --log-level=warning --lifespan=off --port",
    "granian": "granian --interface=asginl --loop=uvloop --http=1 --no-ws --no-log --port",
}
_SERVER = next(server for server in SERVERS if server.name == OURS)
_REQUEST = _SERVER.request(pictures()["224x224"])


def main() -> None:
    """Answers a second and processor time of each, all servers up at once and asked in turn."""
    with TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        (folder / "request").write_bytes(_REQUEST)
        trees: dict[str, tuple[Tree, int]] = {}
        for name in (*(f"{server}, {app}" for app in ("work", "read") for server in _COMMANDS), "ours, work"):
            port = _FIRST_PORT + len(trees)
            trees[name] = stack.enter_context(_start(name, port, folder / str(port))), port
            _wait(port)
        for application in ("work", "read"):
            chosen = {name: one for name, one in trees.items() if name.endswith(application)}
            print(f"{NAME}, {_CLIENTS} clients, {application}: answers a second, then ms of processor time each")
            print(values({name: _rate(*one, folder, 0) for name, one in chosen.items()}, _ROUNDS, "/s", tries=1))
            print(values({name: _rate(*one, folder, 1) for name, one in chosen.items()}, _ROUNDS, "ms", tries=1))


def _start(name: str, port: int, here: Path) -> AbstractContextManager[Tree]:
    kind, application = name.split(", ")
    model = Model(NAME)
    here.mkdir()
    environment = _SERVER.environment(model, here) | {"APPLICATION": application}
    if kind == "ours":
        command = _SERVER.command(model, port, here)
    else:
        command = [sys.executable, "-m", *_COMMANDS[kind].split(), str(port), _APP]
    return started(command, environment, here)


def _wait(port: int) -> None:
    """Until the server on `port` answers a picture."""
    end = time.perf_counter() + _START_S
    while time.perf_counter() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("POST", "/invocations", pictures()["224x224"], {"content-type": "image/jpeg"})
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise SystemExit(f"nothing answers on port {port}")


def _rate(tree: Tree, port: int, folder: Path, at: int) -> Callable[[], float]:
    arguments = [str(port), str(folder / "request"), Model(NAME).expected()["224x224"], str(_CLIENTS), str(_SECONDS)]
    command = [sys.executable, "-m", "experiments.serving.load", *arguments]

    def run() -> float:
        before = _cpu_s(tree)
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        result, spent = json.loads(done.stdout), _cpu_s(tree) - before
        if result["errors"]:
            raise SystemExit(result["faults"])
        measured = float(result["per_s"]), spent * 1000 / int(result["answers"])
        return measured[at]

    return run


def _cpu_s(tree: Tree) -> float:
    times = [one.cpu_times() for one in tree.members() if one.status() != psutil.STATUS_ZOMBIE]
    return float(sum(each.user + each.system for each in times))
