"""A model that misbehaves when the picture says so, served through a container's own inference.py.

The picture is one colour: (7, tenths of a second, mood). The network behind it is sound, so that every other picture
is answered as it should be; only `Engine.infer` is replaced, and all the rest of the server is what users run.
"""

import base64
import ctypes
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum, auto
from pathlib import Path
from typing import Any

import numpy as np

from model_server.classifier import Classifier
from model_server.engines import UNNAMED, Engine, Outputs
from models.labels import Labels
from models.spec import ModelSpec
from tests.containers.model_folder import COLOURS, write_spec
from tests.containers.pictures import RED, encoded, solid
from tests.containers.server_process import ROOT, Server, serving

MIB = 1024 * 1024
SIDE = 32
GOOD = encoded(solid(RED, (SIDE, SIDE)))
PNG = "image/png"
HUGE_NUMBERS = 30_000_000  # 120 MB of float32
MANY_LABELS = [f"{number:04d} {'x' * 95}" for number in range(1000)]
LONG_ANSWER_BYTES = 64 * 1000 * 120
_MARK = 7
_INFERENCES, _ON_LOAD = "inferences", "on-load"


class Mood(IntEnum):
    """What the model does instead of answering."""

    SLOW = auto()  # answers after a while
    HANG = auto()  # never comes back
    HOLD = auto()  # never comes back and never lets another thread of Python run
    RAISE = auto()
    EXIT = auto()  # sys.exit()
    LEAVE = auto()  # the process ends with code 0
    KILL = auto()
    SEGFAULT = auto()
    ABORT = auto()
    ALLOCATE = auto()  # asks for memory until there is none
    NAN = auto()
    INFINITE = auto()
    TOO_MANY = auto()  # numbers
    TOO_FEW = auto()
    ANOTHER_RANK = auto()
    HUGE = auto()
    NOTHING = auto()
    NO_NUMBERS = auto()


def picture(mood: Mood, seconds: float = 0.0) -> bytes:
    """A PNG that puts the model into `mood`."""
    return encoded(solid((_MARK, round(seconds * 10), mood), (SIDE, SIDE)))


def long_request() -> bytes:
    """JSON whose answer, by a model of MANY_LABELS, is longer than LONG_ANSWER_BYTES: 64 instances of 1000 labels."""
    return json.dumps({"instances": [base64.b64encode(GOOD).decode()] * 64}).encode()


def write_network(folder: Path, labels: int = len(COLOURS)) -> None:
    """An IR that tells which of red, green and blue a picture has most of; what passes three labels gets next to 0."""
    from model_server.engines.openvino import openvino  # noqa: PLC0415 only where one is written

    ops = openvino.opset13
    folder.mkdir(parents=True, exist_ok=True)
    pixels = ops.parameter([-1, SIDE, SIDE, 3], np.float32, name="pixels")
    weights = np.zeros((3, labels), np.float32)
    weights[:, :3] = 30 * np.eye(3)
    mean = ops.reduce_mean(pixels, ops.constant(np.array([1, 2])), keep_dims=False)
    scores = ops.softmax(ops.matmul(mean, ops.constant(weights), transpose_a=False, transpose_b=False), 1)
    model = openvino.Model([scores], [pixels])
    openvino.save_model(model, str(folder / "model.xml"), compress_to_fp16=False)


def write_failing_model(folder: Path, on_load: str = "", labels: Sequence[str] = COLOURS) -> dict[str, str]:
    """The model in `folder`, its container beside it; the environment that its server needs.

    `on_load` is "kill" or "hang" for a model that does so while it is loaded.
    """
    write_network(folder, len(labels))
    write_spec(folder, list(labels), SIDE, container="failing")
    (folder / _ON_LOAD).write_text(on_load)
    (folder / _INFERENCES).touch()
    containers = folder.parent / "containers"
    (containers / "failing").mkdir(parents=True, exist_ok=True)
    (containers / "failing" / "__init__.py").touch()
    (containers / "failing" / "inference.py").write_text("from tests.faults.failing_scripts import build\n")
    return {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}:{containers}"}


@contextmanager
def serving_failing_model(room: Path, labels: Sequence[str] = COLOURS, **environment: str) -> Iterator[Server]:
    """A ready server of a failing model in `room`, stopped at the end."""
    environment = write_failing_model(room / "model", labels=labels) | environment
    with serving(room / "model", room / "server.log", **environment) as server:
        yield server


@contextmanager
def starting(folder: Path, log: Path, **environment: str) -> Iterator[Server]:
    """A server that may never become ready; killed at the end."""
    server = Server(folder, log, **environment)
    try:
        yield server
    finally:
        server.http.close()
        server.process.kill()
        server.process.wait()


@contextmanager
def starting_failing_model(room: Path, on_load: str = "") -> Iterator[Server]:
    """The server of a model that fails while it is loaded, as soon as it listens."""
    environment = write_failing_model(room / "model", on_load)
    with starting(room / "model", room / "server.log", **environment) as server:
        server.wait_until_listening()
        yield server


def inferences(room: Path) -> int:
    """How many pictures the model in `room` was given so far."""
    return (room / "model" / _INFERENCES).stat().st_size


class FailingEngine:
    """A sound engine in a mood."""

    def __init__(self, engine: Engine, model_dir: Path) -> None:
        self._engine, self._count = engine, model_dir / _INFERENCES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def infer(self, batch: Any, *arguments: Any, **options: Any) -> Outputs:
        with self._count.open("ab") as count:
            count.write(b".")
        mark, tenths, mood = (int(value) for value in np.round(np.asarray(batch)[0, 0, 0] * 255))
        made = _DOES[Mood(mood)](tenths / 10) if mark == _MARK else None
        return self._engine.infer(batch, *arguments, **options) if made is None else made


def build(spec: ModelSpec, labels: Labels, engine: Engine, model_dir: Path) -> Classifier:
    """The standard classifier over a failing engine, as a container's inference.py builds its predictor."""
    on_load = (model_dir / _ON_LOAD).read_text()
    if on_load == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if on_load == "hang":
        _hang(0)
    return Classifier(spec, labels, FailingEngine(engine, model_dir))


def _hang(_seconds: float) -> None:
    threading.Event().wait()


def _hold(_seconds: float) -> None:
    re.fullmatch("(a+)+b", "a" * 200)  # tries 2**200 ways, all inside one call of C


def _raise(_seconds: float) -> None:
    raise ValueError("secret: /opt/ml/model/weights.pth at 0x7f00")


def _exit(_seconds: float) -> None:
    raise SystemExit(1)


def _leave(_seconds: float) -> None:
    os._exit(0)


def _kill(_seconds: float) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault(_seconds: float) -> None:
    ctypes.string_at(0)


def _allocate(_seconds: float) -> None:
    taken = []
    while True:
        taken.append(bytearray(16 * MIB))


def _gives(value: Any) -> Callable[[float], Any]:
    return lambda _seconds: {UNNAMED: value() if callable(value) else value}


_DOES: dict[Mood, Callable[[float], Any]] = {
    Mood.SLOW: time.sleep,
    Mood.HANG: _hang,
    Mood.HOLD: _hold,
    Mood.RAISE: _raise,
    Mood.EXIT: _exit,
    Mood.LEAVE: _leave,
    Mood.KILL: _kill,
    Mood.SEGFAULT: _segfault,
    Mood.ABORT: lambda _seconds: os.abort(),
    Mood.ALLOCATE: _allocate,
    Mood.NAN: _gives(np.full((1, 3), np.nan, np.float32)),
    Mood.INFINITE: _gives(np.array([[np.inf, 0, 0]], np.float32)),
    Mood.TOO_MANY: _gives(np.zeros((1, 4), np.float32)),
    Mood.TOO_FEW: _gives(np.zeros((1, 2), np.float32)),
    Mood.ANOTHER_RANK: _gives(np.zeros((1, 3, 1), np.float32)),
    Mood.HUGE: _gives(lambda: np.ones((1, HUGE_NUMBERS), np.float32)),
    Mood.NOTHING: _gives(None),
    Mood.NO_NUMBERS: _gives(np.array([["a", "b", "c"]])),
}
