"""PyTorch itself: weights.pth in the network that model.toml names, on a GPU when there is one.

Weights are read as weights: torch refuses every other object in the file, so a pickle cannot run code.

On a GPU the network runs in half precision and in channels-last memory where that answers alike, and is captured as
CUDA graphs. These are captured by hand: torch.compile(mode="reduce-overhead") replays graphs too, but would first
compile each network, in every cold start and with a C compiler in the image. On a CPU nothing of this applies:
putting callers together cost a ResNet50 on two cores 40 % of its throughput at 224x224 (at 64x64 it gained 15 %).
"""

import logging
import pickle
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model_server.engines import FLOAT32, UNNAMED, WEIGHTS, Array, DeviceLost, EngineError, Outputs
from model_server.engines.batching import HALF_PARITY, Batcher, difference
from model_server.engines.cuda_graphs import BATCH_SIZES, Graphs, Network, Tensor
from model_server.logs import fields, reason
from model_server.scores import probabilities
from models.input_output import OutputSpec
from models.labels import read_labels
from models.spec import read_spec

_NOISE = (0.0, 0.05, 0.2, 1.0)  # times the example's own deviation
_WRAPPERS = ("model_state_dict", "state_dict")

log = logging.getLogger(__name__)


class PyTorchEngine:
    """Builds `<container>.networks.<network>` for the weights and loads them strictly, as 32-bit floats."""

    max_batch = 1
    precision = FLOAT32

    def __init__(self, in_flight: Callable[[], int] = lambda: 1) -> None:  # noqa: ARG002 see the top of this file
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network: Any = None
        self._fastest = Variant(self._network)
        self._graphs: Graphs | None = None
        self._output = OutputSpec()
        self._infer: Callable[[Array], Outputs] = self._run

    def load(self, model_dir: Path) -> None:
        """Reads weights.pth and model.toml in `model_dir`. Raises EngineError, SpecError."""
        spec = read_spec(model_dir / "model.toml")
        weights = read_weights(model_dir / WEIGHTS)
        place = f"{spec.model.container}.networks.{spec.model.network}"
        try:
            network = import_module(place).build(len(read_labels(spec, model_dir)), weights)
            network.load_state_dict(weights, strict=True)
        except ModuleNotFoundError as error:
            raise EngineError(f"model.toml: model.network: there is no {place}; correct it") from error
        except (RuntimeError, KeyError) as error:
            raise EngineError(f"{WEIGHTS} does not fit the network {spec.model.network}: {error}") from error
        self._network = network.float().eval().to(self._device)
        self._fastest, self._output = Variant(self._network), spec.output

    def warm_up(self, example: Array, dynamic_axes: Sequence[int] = (), *, one_by_one: bool = False) -> Outputs:
        """The first inference, of the largest batch too. Raises EngineError."""
        try:
            if accelerates(self._device):
                torch.backends.cudnn.benchmark = not dynamic_axes
                self._fastest = self._choose(example)
                if not one_by_one and 0 not in dynamic_axes:
                    self._graphs = self._captured(example)
                    if self._graphs or not dynamic_axes:  # otherwise nothing says that the network takes several
                        self._infer = Batcher(self._run, BATCH_SIZES[-1]).infer
            if not dynamic_axes and not one_by_one:
                self.max_batch = BATCH_SIZES[-1]
                self.infer(np.repeat(example, self.max_batch, axis=0))
            return self.infer(example)
        except RuntimeError as error:
            raise EngineError(f"PyTorch cannot run this model on {example.shape}: {error}") from error

    def infer(self, batch: Array) -> Outputs:
        """The network's one output. On a GPU, callers of one shape may go together."""
        return self._infer(batch)

    def _run(self, batch: Array) -> Outputs:
        """One batch. What overflows in half precision is answered in full precision. Raises DeviceLost."""
        try:
            if self._graphs is not None and self._graphs.take(batch):
                values = self._graphs(batch)
            else:
                values = self._eager(self._fastest, batch)
            if self._fastest.half and not np.isfinite(values).all():
                values = self._eager(self._network, batch)
        except torch.AcceleratorError as error:
            raise DeviceLost from error
        return {UNNAMED: values}

    def _eager(self, network: Network, batch: Array) -> Array:
        with torch.inference_mode():
            values: Array = network(torch.from_numpy(batch).to(self._device)).cpu().numpy()
        return values

    def _choose(self, example: Array) -> "Variant":
        """The fastest way to run the network that answers noisy variants of `example` as the network itself does."""
        inputs = noisy(example)
        exact = [self._scores(self._network, x) for x in inputs]
        for half, channels_last in product((True, False), (True, False)):
            if (channels_last and example.ndim != 4) or not (half or channels_last):
                continue
            said = {"half": half, "channels_last": channels_last}
            try:
                variant = Variant.of(self._network, half=half, channels_last=channels_last)
                gap = max(difference(e, self._scores(variant, x)) for e, x in zip(exact, inputs, strict=True))
            except RuntimeError as error:  # a view of memory, or a number of 32 bits amid those of 16
                log.info("not run so", extra=fields(**said, reason=reason(error)))
                continue
            log.info("precision", extra=fields(**said, difference=gap, bound=HALF_PARITY, kept=gap <= HALF_PARITY))
            if gap <= HALF_PARITY:
                return variant
        return Variant(self._network)

    def _scores(self, network: Network, x: Array) -> Outputs:
        values = self._eager(network, x)
        return {UNNAMED: probabilities(values, self._output) if values.ndim == 2 else values}

    def _captured(self, example: Array) -> "Graphs | None":
        """Graphs that answer as the network does without them, or None where it cannot be captured."""
        try:
            graphs = Graphs(self._fastest, torch.from_numpy(example).to(self._device))
            for size, x in zip(BATCH_SIZES, noisy(example), strict=True):
                batch = np.repeat(x, size, axis=0)
                gap = difference({UNNAMED: self._eager(self._fastest, batch)}, {UNNAMED: graphs(batch)})
                if gap > HALF_PARITY:
                    raise RuntimeError(f"a graph for {size} answers otherwise, by {gap:.2g}")
        except RuntimeError as error:
            log.warning("runs without CUDA graphs", extra=fields(reason=reason(error)))
            return None
        return graphs


@dataclass(frozen=True, slots=True)
class Variant:
    """A network in one precision and one layout of memory; it takes and gives 32-bit floats, as the network does."""

    network: Any
    half: bool = False
    channels_last: bool = False

    @classmethod
    def of(cls, network: Any, *, half: bool, channels_last: bool) -> "Variant":
        """A copy of `network`; the network itself stays as it is. Raises RuntimeError where it cannot be copied."""
        copy = deepcopy(network).half() if half else deepcopy(network)
        return cls(copy.to(memory_format=torch.channels_last) if channels_last else copy, half, channels_last)

    def __call__(self, x: Tensor) -> Tensor:
        """The network's one output for `x`."""
        if self.half:
            x = x.half()
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        output: Tensor = self.network(x)
        return output.float() if output.dtype == torch.float16 else output


def noisy(example: Array) -> list[Array]:
    """`example`, and with noise from a little to as much as it has of its own."""
    noise = np.random.default_rng(0).standard_normal(example.shape).astype(example.dtype)
    return [example + level * example.std() * noise for level in _NOISE]


def accelerates(device: torch.device) -> bool:
    """Whether `device` gains from half precision, graphs and batches."""
    return device.type == "cuda"


def read_weights(file: Path) -> Mapping[str, torch.Tensor]:
    """The state dict in `file`, or the one that a checkpoint holds under `model_state_dict`. Raises EngineError."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise EngineError(f"{file.name} holds more than weights and is refused; save model.state_dict()") from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise EngineError(f"{file.name} cannot be read as PyTorch weights: {error}") from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise EngineError(f"{file.name} is no state dict; save model.state_dict()")
    return content
