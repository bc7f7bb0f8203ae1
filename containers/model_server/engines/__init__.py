"""What runs a network. The server knows three verbs, and imports an engine only when it is the one chosen."""

from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_MODULES = {
    "openvino": ("model_server.engines.openvino", "OpenVinoEngine"),
    "tensorflow": ("model_server.engines.tensorflow", "TensorFlowEngine"),
}


class EngineError(Exception):
    """A model that the engine cannot serve; the message says why, in one line, for the log."""


def check_tensors(inputs: int, outputs: int) -> None:
    """Raises EngineError unless the network has one of each."""
    if (inputs, outputs) != (1, 1):
        raise EngineError(f"the model has {inputs} inputs and {outputs} outputs; export one with one of each")


def wrong_input(taken: str, example: Float32) -> EngineError:
    """The error for a network that takes `taken`, in words, instead of what model.toml says."""
    wanted = ["?", *example.shape[1:]]
    return EngineError(
        f"model.toml: input.size: the model takes {taken}, not {wanted} of float32; correct size or layout"
    )


class Engine(Protocol):
    """Runs one network with one input and one output. `infer` is called from several threads at once."""

    max_batch: int
    """Most instances that one `infer` takes; known after `warm_up`."""

    def load(self, model_dir: Path) -> None:
        """Reads the network, which needs no model.toml yet. Raises EngineError."""

    def warm_up(self, example: Float32) -> Float32:
        """Makes it ready for instances like `example`, (1, ...); returns the output for it. Raises EngineError."""

    def infer(self, batch: Float32) -> Float32:
        """(n, ...) -> (n, outputs), n <= max_batch. Raises whatever the network raises."""


def choose_engine(name: str) -> Engine:
    """The engine called `name`, imported now and not before."""
    module, cls = _MODULES[name]
    engine: Engine = getattr(import_module(module), cls)()
    return engine
