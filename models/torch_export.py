"""A trained PyTorch network -> the two files that serve it: weights for GPUs, OpenVINO's IR for CPUs.

The weights are rounded to 16 bits first: both files then hold the same numbers, in half the bytes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # it calls home; openvino allows for its absence

import openvino  # noqa: E402
import torch  # noqa: E402
from openvino.frontend import FrontEndManager  # noqa: E402
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: E402
from torch import nn  # noqa: E402

from models.artifact import IR, WEIGHTS  # noqa: E402


def export(network: nn.Module, example: torch.Tensor, folder: Path, dynamic_axes: Sequence[int] = ()) -> None:
    """Writes weights.pth, model.xml and model.bin below `folder`.

    `example` is one input of the network; the axes in `dynamic_axes` may have any size when it is served, the
    first one, of a batch, among them only when it is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = network.eval().half().float()
    torch.save({name: _halved(value) for name, value in network.state_dict().items()}, folder / WEIGHTS)
    shape = [-1 if axis in dynamic_axes else size for axis, size in enumerate(example.shape)]
    openvino.save_model(as_openvino(network, example, shape), folder / IR[0], compress_to_fp16=True)


def as_openvino(network: nn.Module, example: torch.Tensor, shape: Sequence[int]) -> openvino.Model:
    """The network as OpenVINO's own reader of PyTorch gives it, for inputs of `shape`, -1 for any size.

    openvino.convert_model would go on to fold each batch normalisation into its convolution, and only then are the
    weights rounded: they would no longer be those of weights.pth.
    """
    with torch.no_grad():
        traced = TorchScriptPythonDecoder(network, example_input=example)
    reader = FrontEndManager().load_by_framework("pytorch")
    model = reader.convert(reader.load(traced))
    model.reshape(openvino.PartialShape(list(shape)))
    return model


def _halved(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.is_floating_point() else value
