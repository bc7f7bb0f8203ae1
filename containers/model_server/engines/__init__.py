"""What runs a network. The server knows three verbs, and imports an engine only when it is the one chosen."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Float32 = NDArray[np.float32]
Outputs = Mapping[str, Array]
"""Name of an output -> its values; an output with several names is there under each of them."""

FLOAT32 = "float32"
UNNAMED = "output"
FROZEN_GRAPH = "frozen_inference_graph.pb"
WEIGHTS = "weights.pth"

MODULES = {
    "openvino": ("model_server.engines.openvino", "OpenVinoEngine"),
    "tensorflow": ("model_server.engines.tensorflow", "TensorFlowEngine"),
    "pytorch": ("model_server.engines.pytorch", "PyTorchEngine"),
}
"""Engine -> its module and class there."""

FRAMEWORKS = {"openvino": "openvino", "tensorflow": "tensorflow", "pytorch": "torch"}
"""Engine -> the package that it needs."""

NATIVE = "native"
"""In the place of an engine's name: the framework that made the model."""


class EngineError(Exception):
    """A model that the engine cannot serve; the message says why, in one line, for the log."""


class DeviceLost(BaseException):
    """The accelerator answers this process no more; only another process gets it back, so nothing here may catch it."""


class UnsupportedModel(EngineError):
    """A model that this engine cannot read or compile, and that its own framework may well run."""


def wrong_input(taken: str, example: Array) -> EngineError:
    """The error for a network that takes `taken`, in words, instead of what model.toml says."""
    wanted = ["?", *example.shape[1:]]
    return EngineError(
        f"model.toml: input.size: the model takes {taken}, not {wanted} of {example.dtype}; correct size or layout"
    )


def only(outputs: Outputs) -> Array:
    """The values of a network's single output. Raises EngineError when it has several."""
    values = {id(value): value for value in outputs.values()}
    if len(values) != 1:
        raise EngineError(f"the model has {len(values)} outputs; export one with a single output")
    return next(iter(values.values()))


class Engine(Protocol):
    """Runs one network with one input. `infer` is called from several threads at once."""

    max_batch: int
    """Most instances that one `infer` takes; known after `warm_up`."""

    precision: str
    """What a CPU may compute in, as model.toml says; set before `warm_up`."""

    def load(self, model_dir: Path) -> None:
        """Reads the network. Raises EngineError."""

    def warm_up(self, example: Array, dynamic_axes: Sequence[int] = (), *, one_by_one: bool = False) -> Outputs:
        """Makes it ready for inputs like `example`, (1, ...), and of any size along `dynamic_axes`.

        With `one_by_one` the network is never given more than one instance, whatever it says that it takes.
        Returns the outputs for it. Raises EngineError.
        """

    def infer(self, batch: Array) -> Outputs:
        """The outputs for `batch`, of at most `max_batch` instances. Raises whatever the network raises."""


def choose_engine(name: str, in_flight: Callable[[], int] = lambda: 1) -> Engine:
    """The engine called `name`, imported now and not before; `in_flight` tells how many requests are worked on now.

    Raises EngineError when its framework is not installed.
    """
    module, cls = MODULES[name]
    try:
        engine: Engine = getattr(import_module(module), cls)(in_flight)
    except ModuleNotFoundError as error:
        fault = f"the engine {name} needs the package {error.name}, which is not installed here"
        raise EngineError(f'{fault}; set engine = "native" in model.toml') from error
    return engine
