"""OpenVINO on the CPU: reads a SavedModel directory, a frozen graph, ONNX and its own IR as they are.

Importing openvino also imports its conversion tool, which reports to Google Analytics and takes 0.1 s. The
server converts nothing: both are marked as absent before the import, which openvino allows for.
"""

import logging
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import Any

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import numpy as np  # noqa: E402
import openvino  # noqa: E402
from openvino._offline_transformations import apply_moc_transformations  # noqa: E402 nothing public does it

from model_server.cores import cores, has_amx  # noqa: E402
from model_server.engines import (  # noqa: E402
    FLOAT32,
    FROZEN_GRAPH,
    UNNAMED,
    Array,
    EngineError,
    Outputs,
    UnsupportedModel,
    wrong_input,
)
from model_server.logs import fields  # noqa: E402

_FILES = ("model.xml", "model.onnx", FROZEN_GRAPH)  # otherwise the folder is a SavedModel
_HINTS = {"float32": "f32", "bfloat16": "bf16"}  # unasked, a CPU with bf16 would answer differently from another

log = logging.getLogger(__name__)


def threads_for(in_flight: int, cores: int) -> int:
    """The cores for each of `in_flight` requests: all, half, a quarter … or one, as many as there are for each."""
    threads = cores
    while threads > 1 and threads * in_flight > cores:
        threads //= 2
    return threads


class _Compiled:
    """The network for a number of threads an inference, with as many infer requests as were ever busy at once."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: deque[Any] = deque()

    def infer(self, batch: Array) -> list[Array]:
        """Every output for one instance."""
        request = self._take_request()
        try:
            return [np.array(value) for value in request.infer(batch, share_inputs=True).to_tuple()]
        finally:
            self._idle.append(request)

    def _take_request(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._compiled.create_infer_request()


class OpenVinoEngine:
    """Answers one request on all cores, and several at once on fewer cores each.

    A network is compiled for a number of threads: first for all cores, for the others in the background when so many
    requests first meet; until then they share the first. An endpoint that is called one by one never pays for more.
    A batch of one lets the plugin plan memory and kernels ahead; a larger one gained nothing on any number of cores.
    """

    max_batch = 1
    precision = FLOAT32

    def __init__(self, in_flight: Callable[[], int] = lambda: 1) -> None:
        self._in_flight = in_flight
        self._cores = cores()
        self._core = openvino.Core()
        self._network: Any = None
        self._example: Any = None
        self._compiled: dict[int, _Compiled] = {}
        self._wanted: set[int] = set()
        self._lock = Lock()
        self._names: list[list[str]] = []

    def load(self, model_dir: Path) -> None:
        """Reads the network in `model_dir`. Raises EngineError, UnsupportedModel."""
        file = next((model_dir / name for name in _FILES if (model_dir / name).is_file()), model_dir)
        try:
            self._network = self._core.read_model(file)
        except RuntimeError as error:
            raise UnsupportedModel(f"OpenVINO cannot read the model in {model_dir}: {error}") from error
        inputs = len(self._network.inputs)
        if inputs != 1:
            raise EngineError(f"the model has {inputs} inputs; export one with a single input")
        # A tensor has several names, of a signature, of a node, of a variable: each finds it.
        self._names = [[name.removesuffix(":0") for name in port.names] for port in self._network.outputs]

    def warm_up(self, example: Array, dynamic_axes: Sequence[int] = (), *, one_by_one: bool = False) -> Outputs:  # noqa: ARG002 always
        """Compiles for all cores, and keeps the infer request of the first inference.

        Raises EngineError, UnsupportedModel.
        """
        given = self._network.input()
        kind, taken = given.element_type.to_dtype(), given.partial_shape
        shape = [-1 if axis in dynamic_axes else size for axis, size in enumerate(example.shape)]
        if kind != example.dtype or not taken.compatible(openvino.PartialShape([-1, *shape[1:]])):
            raise wrong_input(f"{taken} of {kind}", example)
        self._example = example
        if self.precision != FLOAT32 and not has_amx():
            log.info("precision", extra=fields(asked=self.precision, kept=FLOAT32, reason="this CPU has no AMX"))
            self.precision = FLOAT32
        try:
            self._network.reshape(openvino.PartialShape(shape))
            # What compiling does first, done once: every compiled network then shares these weights.
            apply_moc_transformations(self._network, cf=True)
            self._compile(self._cores)
            return self.infer(example)
        except RuntimeError as error:
            raise UnsupportedModel(f"OpenVINO cannot run this model on {example.shape}: {error}") from error
        finally:
            if self._cores == 1 or not self._compiled:
                self._network = None

    def infer(self, batch: Array) -> Outputs:
        """The outputs for one instance."""
        values = self._fitting().infer(batch)
        named = zip(self._names, values, strict=True)
        return {name: value for names, value in named for name in names or [UNNAMED]}

    def _fitting(self) -> _Compiled:
        """The network compiled for as many threads as the requests in flight leave to each of them."""
        threads = threads_for(self._in_flight(), self._cores)
        if threads not in self._compiled:
            with self._lock:
                if threads not in self._wanted:
                    self._wanted.add(threads)
                    Thread(target=self._compile, args=(threads,), name="compiler").start()
            threads = self._cores
        return self._compiled[threads]

    def _compile(self, threads: int) -> None:
        streams = self._cores // threads
        config = {"NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams * threads}
        hint = {"PERFORMANCE_HINT": "LATENCY"} if streams == 1 else config
        precision = {"INFERENCE_PRECISION_HINT": _HINTS[self.precision]}
        compiled = _Compiled(self._core.compile_model(self._network, "CPU", hint | precision))
        compiled.infer(self._example)
        self._compiled[threads] = compiled
