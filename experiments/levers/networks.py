"""The networks that are measured, and how OpenVINO runs one: for one request at a time, or for one on each core."""

import shutil
import threading
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from PIL import Image

from experiments.performance.pictures import pictures
from experiments.serving.models import CACHE, NAMES, pixels
from model_server.cores import cores
from model_server.preprocess import prepare
from models.registry import ROOT
from models.spec import ModelSpec, read_spec

Float32 = NDArray[np.float32]
Infer = Callable[[Float32], Float32]

SERVED = ("face_mask", "diabetic_retinopathy", "brain_tumor")
_FILES = ("model.xml", "model.onnx")
_CORE = openvino.Core()


def folder(name: str) -> Path:
    """Where the network lies: of `make bench` (run that first), or of the project."""
    return CACHE / name / "model" if name in NAMES else ROOT / "models" / name / "artifact"


def onnx(name: str) -> Path:
    """The same network for ONNX Runtime."""
    return CACHE / name / "network.onnx"


def spec(name: str) -> ModelSpec:
    """The model's own model.toml."""
    return read_spec((CACHE / name / "model" if name in NAMES else ROOT / "models" / name) / "model.toml")


def example(name: str) -> Float32:
    """One input."""
    if name in NAMES:
        return pixels(Image.open(BytesIO(pictures()["224x224"])))
    return prepare(Image.linear_gradient("L").convert("RGB"), spec(name).input)[None]


def read(name: str) -> Any:
    """The network as OpenVINO reads it, for inputs of the example's shape."""
    source = folder(name)
    network = _CORE.read_model(next((source / file for file in _FILES if (source / file).is_file()), source))
    network.reshape(list(example(name).shape))
    return network


def save(network: Any, to: Path) -> float:
    """Writes `network` as OpenVINO's own files; their size in MB."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    openvino.save_model(network, to / "model.xml", compress_to_fp16=False)
    return sum(file.stat().st_size for file in to.iterdir()) / 1e6


def for_one(network: Any, config: Mapping[str, str] | None = None) -> Infer:
    """All cores for each inference, as the server answers one client."""
    return _infer(network, {"PERFORMANCE_HINT": "LATENCY"}, config)


def for_many(network: Any, config: Mapping[str, str] | None = None) -> Infer:
    """A core for each inference, as the server answers under load."""
    return _infer(network, {"NUM_STREAMS": cores(), "INFERENCE_NUM_THREADS": cores()}, config)


def _infer(network: Any, shape: Mapping[str, object], config: Mapping[str, str] | None) -> Infer:
    compiled = _CORE.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **shape, **(config or {})})
    local = threading.local()

    def infer(batch: Float32) -> Float32:
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        return np.array(local.request.infer(batch, share_inputs=True).to_tuple()[0])

    return infer
