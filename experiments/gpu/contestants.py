"""Each network twice: in our engine as a server holds it, and in the loop that one writes first.

The loop is the network in 32-bit floats, one picture a call: `network(x.to(device)).cpu()`, or the SavedModel's
signature. Weights are random, since only speed is compared; so nothing here tells for whose weights half precision
holds. What the engine decides for these, its log says.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from experiments.gpu.load import Array, Infer

LABELS = 10
_TORCH = {"vgg16_bn": "brain_tumor", "resnet50": "residual"}  # network -> container
_SPEC = """
[model]
name = "gpu-experiment"
task = "image-classification"
framework = "pytorch"
container = "{container}"
network = "{network}"
version = "1.0.0"
description = "For the experiment."
labels = {labels}
[input]
size = [{side}, {side}]
layout = "NCHW"
[output]
scores = "logits"
[endpoints.gpu]
kind = "realtime"
instance_type = "ml.g5.xlarge"
min_instances = 1
max_instances = 1
"""


@dataclass(frozen=True, slots=True)
class Contest:
    """One network on one device, ready in both ways, and the picture that both are sent."""

    framework: str
    network: str
    device: str
    on_gpu: bool
    picture: Array
    ours: Infer
    eager: Infer


def torch_contest(network: str, side: int, folder: Path) -> Contest:
    """PyTorch's: `network` of `_TORCH` in PyTorchEngine."""
    import torch  # noqa: PLC0415 the two frameworks run in processes of their own

    from model_server.engines import only  # noqa: PLC0415
    from model_server.engines.pytorch import PyTorchEngine  # noqa: PLC0415

    container, on_gpu = _TORCH[network], torch.cuda.is_available()
    sys.path.insert(0, str(Path(__file__).parent))
    torch.manual_seed(1)
    plain = import_module(f"{container}.networks.{network}").build(LABELS, {}).eval()
    torch.save(plain.state_dict(), folder / "weights.pth")
    labels = [f"label {number}" for number in range(LABELS)]
    spec = _SPEC.format(container=container, network=network, labels=labels, side=side)
    (folder / "model.toml").write_text(spec, encoding="utf-8")
    engine = PyTorchEngine()
    engine.load(folder)
    picture = _picture(1, 3, side, side)
    engine.warm_up(picture)
    device = torch.device("cuda" if on_gpu else "cpu")
    plain = plain.to(device)

    def eager(x: Array) -> Array:
        with torch.inference_mode():
            values: Array = plain(torch.from_numpy(x).to(device)).cpu().numpy()
        return values

    name = torch.cuda.get_device_name() if on_gpu else "CPU"
    return Contest("PyTorch", network, name, on_gpu, picture, lambda x: only(engine.infer(x)), eager)


def tensorflow_contest(network: str, side: int, folder: Path) -> Contest:
    """TensorFlow's: keras.applications' ResNet50, exported, in TensorFlowEngine."""
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from model_server.engines import only  # noqa: PLC0415
    from model_server.engines.tensorflow import SIGNATURE, TensorFlowEngine  # noqa: PLC0415

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    keras.utils.set_random_seed(1)
    inputs = (side, side, 3)
    keras.applications.ResNet50(weights=None, input_shape=inputs, classes=LABELS, classifier_activation=None).export(
        folder, verbose=False
    )
    engine = TensorFlowEngine()
    engine.load(folder)
    picture = _picture(1, *inputs)
    loaded = tf.saved_model.load(str(folder))
    call = loaded.signatures[SIGNATURE]
    (given,) = call.structured_input_signature[1]

    def eager(x: Array) -> Array:
        values: Array = next(iter(call(**{given: tf.constant(x)}).values())).numpy()
        return values

    eager(picture)
    engine.warm_up(picture)
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU"
    return Contest("TensorFlow", network, name, bool(gpus), picture, lambda x: only(engine.infer(x)), eager)


CONTESTS: dict[str, Callable[[str, int, Path], Contest]] = {"torch": torch_contest, "tensorflow": tensorflow_contest}
NETWORKS = {"torch": tuple(_TORCH), "tensorflow": ("resnet50",)}


def _picture(*shape: int) -> Array:
    return np.random.default_rng(2).standard_normal(shape, np.float32)
