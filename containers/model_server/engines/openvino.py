"""OpenVINO on the CPU: reads a SavedModel directory as it is.

Importing openvino also imports its conversion tool, which reports to Google Analytics and takes 0.1 s. The
server converts nothing: both are marked as absent before the import, which openvino allows for.
"""

import sys
from collections import deque
from pathlib import Path
from typing import Any

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import numpy as np  # noqa: E402
import openvino  # noqa: E402

from model_server.engines import EngineError, Float32, check_tensors, wrong_input  # noqa: E402

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

    def load(self, model_dir: Path) -> None:
        """Reads the SavedModel in `model_dir`. Raises EngineError."""
        try:
            self._network = self._core.read_model(model_dir)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot read the model in {model_dir}: {error}") from error
        check_tensors(len(self._network.inputs), len(self._network.outputs))

    def warm_up(self, example: Float32) -> Float32:
        """Compiles, and keeps the infer request of the first inference. Raises EngineError."""
        given = self._network.input()
        kind, taken = given.element_type.to_string(), given.partial_shape
        if kind != "f32" or not taken.compatible(openvino.PartialShape([-1, *example.shape[1:]])):
            raise wrong_input(f"{taken} of {kind}", example)
        try:
            self._network.reshape(list(example.shape))
            self._compiled = self._core.compile_model(self._network, "CPU", _CONFIG)
            return self.infer(example)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot run this model on {example.shape}: {error}") from error
        finally:
            self._network = None

    def infer(self, batch: Float32) -> Float32:
        """(1, ...) -> (1, outputs)."""
        request = self._take_request()
        try:
            return np.array(request.infer(batch, share_inputs=True)[0], np.float32)
        finally:
            self._idle.append(request)

    def _take_request(self) -> Any:
        """An idle infer request or a new one. Which compiled model fits the load best is decided here."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._compiled.create_infer_request()
