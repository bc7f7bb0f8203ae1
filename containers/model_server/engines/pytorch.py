"""PyTorch itself: weights.pth in the network that model.toml names, on a GPU when there is one.

Weights are read as weights: torch refuses every other object in the file, so a pickle cannot run code.
"""

import pickle
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model_server.engines import UNNAMED, WEIGHTS, Array, EngineError, Outputs
from models.labels import read_labels
from models.spec import read_spec

_MAX_BATCH = 8
_WRAPPERS = ("model_state_dict", "state_dict")


class PyTorchEngine:
    """Builds `<container>.networks.<network>` for the weights and loads them strictly, as 32-bit floats."""

    max_batch = 1

    def __init__(self) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network: Any = None

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

    def warm_up(self, example: Array, dynamic_axes: Sequence[int] = (), *, one_by_one: bool = False) -> Outputs:
        """The first inference, of the largest batch too. Raises EngineError."""
        try:
            if not dynamic_axes and not one_by_one:
                self.max_batch = _MAX_BATCH
                self.infer(np.repeat(example, self.max_batch, axis=0))
            return self.infer(example)
        except RuntimeError as error:
            raise EngineError(f"PyTorch cannot run this model on {example.shape}: {error}") from error

    def infer(self, batch: Array) -> Outputs:
        """The network's one output."""
        with torch.inference_mode():
            return {UNNAMED: self._network(torch.from_numpy(batch).to(self._device)).cpu().numpy()}


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
