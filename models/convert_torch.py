"""A PyTorch state dict -> weights for GPUs and OpenVINO's IR for CPUs, through the network that model.toml names.

Import it late: it brings PyTorch and OpenVINO. Weights are read as weights: a pickle that would run code is refused.
"""

import sys
from importlib import import_module
from pathlib import Path

from models.convert_refusal import Refusal, first_line
from models.registry import ROOT
from models.spec import ModelSpec

_KEYPOINTS = (16, 54, 2)  # frames, landmarks, x and y; the number of frames may change

if str(ROOT / "containers") not in sys.path:
    sys.path.append(str(ROOT / "containers"))

import torch  # noqa: E402

from model_server.engines import EngineError  # noqa: E402
from model_server.engines.pytorch import read_weights  # noqa: E402
from models.torch_export import export  # noqa: E402

Shape = tuple[int, ...]


def convert(source: Path, spec: ModelSpec, labels: int, folder: Path) -> tuple[Shape, Shape]:
    """Writes weights.pth, model.xml and model.bin; the shapes of an input and its output. Raises Refusal."""
    network = _load(source, spec, labels)
    example, dynamic_axes = _example(spec)
    try:
        with torch.no_grad():
            output = network(example)
        export(network, example, folder, dynamic_axes)
    except Exception as error:
        fault = f"{source}: the network {spec.model.network} cannot be exported: {first_line(error)}"
        raise Refusal(f"{fault}; check input.size in model.toml") from error
    return tuple(example.shape), tuple(output.shape)


def _load(source: Path, spec: ModelSpec, labels: int) -> torch.nn.Module:
    place = f"{spec.model.container}.networks.{spec.model.network}"
    try:
        weights = read_weights(source)
    except EngineError as error:
        raise Refusal(f"{source.parent}/{first_line(error)}") from error
    try:
        network: torch.nn.Module = import_module(place).build(labels, weights)
        network.load_state_dict(weights, strict=True)
    except ModuleNotFoundError as error:
        raise Refusal(
            f"model.network: there is no containers/{place.replace('.', '/')}.py; correct model.toml"
        ) from error
    except (RuntimeError, KeyError, ValueError) as error:
        fault = f"{source}: does not fit the network {spec.model.network} with {labels} labels: {first_line(error)}"
        raise Refusal(f"{fault}; correct network or labels in model.toml") from error
    return network.float().eval()


def _example(spec: ModelSpec) -> tuple[torch.Tensor, tuple[int, ...]]:
    """An input like those that the server will give, and the axes of it that may change."""
    if spec.model.task == "pose-sequence-classification":
        return torch.rand(_KEYPOINTS), (0,)
    if spec.input.size is None:
        raise Refusal("input.size: is missing in model.toml; add the height and width that the network was trained on")
    height, width = spec.input.size
    is_first = spec.input.layout == "NCHW"
    shape = (1, 3, height, width) if is_first else (1, height, width, 3)
    free = (2, 3) if is_first else (1, 2)
    return torch.rand(shape), free if spec.input.resize == "shorter-side" else ()
