"""A PyTorch network as the loop of a training takes it. Import it late: it brings PyTorch and OpenVINO."""

import pickle
from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from model_server.engines import EngineError
from model_server.engines.pytorch import read_weights
from model_server.preprocess import dynamic_axes
from models.convert_refusal import first_line
from models.torch_export import export
from training.classifier import ClassifierJob
from training.data.batches import Batch
from training.errors import UnusableCheckpoint

_FILE = "state.pth"


class TorchNetwork:
    """The network of containers/<container>/networks that model.toml names, of logits, with AdamW.

    `rates` tells by what its name begins with how much a parameter learns of the learning rate; others learn all of it.
    """

    def __init__(self, job: ClassifierJob, rates: Mapping[str, float], checkpoint: Path | None) -> None:
        self._spec, self._seed, self._steps = job.model.spec, job.hyperparameters.seed, 0
        torch.manual_seed(self._seed)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = _built(job, checkpoint).to(self._device)
        groups = _groups(self._network, rates)
        self._optimizer = torch.optim.AdamW(groups, weight_decay=job.hyperparameters.weight_decay)
        self._kept = deepcopy(self._network.state_dict())

    def learn(self, batch: Batch, rate: float) -> float:
        """One step of AdamW at the learning rate `rate`; the weighted loss before it."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        torch.manual_seed((self._seed << 31) + self._steps)  # what is dropped depends on the step alone
        logits = self._network.train()(self._on_device(batch.inputs))
        each = cross_entropy(logits, torch.from_numpy(batch.labels).to(self._device), reduction="none")
        loss = (each * torch.from_numpy(batch.weights).to(self._device)).mean()
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        self._steps += 1
        return loss.item()

    def _on_device(self, inputs: NDArray[np.float32]) -> torch.Tensor:
        # Convolutions on a CPU take twice as long and more when the channels do not come last in memory.
        return torch.from_numpy(inputs).to(self._device).contiguous(memory_format=torch.channels_last)

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """What it gives when served, [n, labels]."""
        with torch.no_grad():
            outputs: NDArray[np.float32] = self._network.eval()(self._on_device(inputs)).cpu().numpy()
        return outputs

    def keep(self) -> None:
        """Copies its weights: they are the best so far."""
        self._kept = deepcopy(self._network.state_dict())

    def return_to_kept(self) -> None:
        """Takes the copied weights back."""
        self._network.load_state_dict(self._kept)

    def save(self, folder: Path) -> None:
        """Writes all of its state to `folder`."""
        state = {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "kept": self._kept,
            "steps": self._steps,
        }
        torch.save(state, folder / _FILE)

    def restore(self, folder: Path) -> None:
        """Reads that back. Raises UnusableCheckpoint."""
        try:
            state = torch.load(folder / _FILE, map_location=self._device, weights_only=True)
            self._network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._kept, self._steps = state["kept"], state["steps"]
        except (OSError, EOFError, KeyError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
            raise UnusableCheckpoint(f"{folder.name}/{_FILE} is damaged; remove that folder") from error

    def export(self, folder: Path) -> None:
        """Writes weights.pth, model.xml and model.bin."""
        height, width = self._spec.input.size or (0, 0)
        example = torch.zeros(1, 3, height, width)
        export(self._network.cpu(), example, folder, (0, *dynamic_axes(self._spec.input)))


def _built(job: ClassifierJob, checkpoint: Path | None) -> nn.Module:
    table = job.model.spec.model
    weights: Mapping[str, torch.Tensor] = {}
    build: Any = import_module(f"{table.container}.networks.{table.network}").build
    try:
        weights = read_weights(checkpoint) if checkpoint else {}
        network: nn.Module = build(len(job.model.labels), weights)
        if checkpoint:
            network.load_state_dict(weights, strict=True)
    except (EngineError, RuntimeError, KeyError, ValueError) as error:
        raise UnusableCheckpoint(
            f"{checkpoint and checkpoint.name}: {first_line(error)}; give weights of the network {table.network}"
        ) from error
    return network.float()


def _groups(network: nn.Module, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """The parameters, together with those that learn as fast."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        share = next((share for start, share in rates.items() if name.startswith(start)), 1.0)
        groups.setdefault(share, []).append(parameter)
    return [{"params": parameters, "share": share} for share, parameters in groups.items()]
