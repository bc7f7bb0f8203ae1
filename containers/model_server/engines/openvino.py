"""OpenVINO on the CPU: reads a SavedModel directory, a frozen graph, ONNX and its own IR as they are.

Importing openvino also imports its conversion tool, which reports to Google Analytics and takes 0.1 s. The
server converts nothing: both are marked as absent before the import, which openvino allows for.
"""

import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import numpy as np  # noqa: E402
import openvino  # noqa: E402

from model_server.engines import FROZEN_GRAPH, UNNAMED, Array, EngineError, Outputs, UnsupportedModel, wrong_input  # noqa: E402

_FILES = ("model.xml", "model.onnx", FROZEN_GRAPH)  # otherwise the folder is a SavedModel
_CONFIG = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",  # a CPU with bf16 would otherwise answer differently from the others
}


class OpenVinoEngine:
    """Compiled for one instance at a time, with as many infer requests as threads call it at once.

    A fixed batch of one lets the plugin plan memory and kernels ahead; on a CPU a larger one gains nothing.
    """

    max_batch = 1

    def __init__(self) -> None:
        self._core = openvino.Core()
        self._idle: deque[Any] = deque()
        self._network: Any = None
        self._compiled: Any = None
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
        """Compiles, and keeps the infer request of the first inference. Raises EngineError, UnsupportedModel."""
        given = self._network.input()
        kind, taken = given.element_type.to_dtype(), given.partial_shape
        shape = [-1 if axis in dynamic_axes else size for axis, size in enumerate(example.shape)]
        if kind != example.dtype or not taken.compatible(openvino.PartialShape([-1, *shape[1:]])):
            raise wrong_input(f"{taken} of {kind}", example)
        try:
            self._network.reshape(openvino.PartialShape(shape))
            self._compiled = self._core.compile_model(self._network, "CPU", _CONFIG)
            return self.infer(example)
        except RuntimeError as error:
            raise UnsupportedModel(f"OpenVINO cannot run this model on {example.shape}: {error}") from error
        finally:
            self._network = None

    def infer(self, batch: Array) -> Outputs:
        """The outputs for one instance."""
        request = self._take_request()
        try:
            values = [np.array(value) for value in request.infer(batch, share_inputs=True).to_tuple()]
            named = zip(self._names, values, strict=True)
            return {name: value for names, value in named for name in names or [UNNAMED]}
        finally:
            self._idle.append(request)

    def _take_request(self) -> Any:
        """An idle infer request or a new one. Which compiled model fits the load best is decided here."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._compiled.create_infer_request()
