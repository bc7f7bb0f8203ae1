"""The two networks, made once, in each form that a server reads; random weights, since only speed is compared.

    .cache/serving/mobilenet_v2/
        model/          SavedModel, model.toml and labels.json: ours, the floor and Flask
        network.keras   FastAPI
        network.onnx    LitServe, BentoML, multi-model-server
        expected.json   picture -> the label that every server must answer

Batch normalisation takes its statistics from crops of the photograph, or the outputs of random weights would all be
alike; the seeds are ones whose two answers do not hang on how the large photograph is scaled down.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from experiments.performance.pictures import pictures
from experiments.serving.venvs import python_of
from models.registry import ROOT

CACHE = ROOT / ".cache" / "serving"
SIDE, CLASSES, LABEL = 224, 1000, "class_"
MAX_DIFFERENCE = 1e-4
_NETWORKS = {"mobilenet_v2": ("MobileNetV2", 2), "resnet50": ("ResNet50", 4)}  # class in keras.applications, seed
NAMES = tuple(_NETWORKS)
_CONVERT = Path(__file__).parent / "baselines" / "tf2onnx" / "convert.py"

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Model:
    """Where the forms of one network lie."""

    name: str

    @property
    def folder(self) -> Path:
        """All of it."""
        return CACHE / self.name

    @property
    def model_dir(self) -> Path:
        """What the model server serves."""
        return self.folder / "model"

    def expected(self) -> dict[str, str]:
        """Picture -> the label that the network gives it."""
        labels: dict[str, str] = json.loads((self.folder / "expected.json").read_text())
        return labels


def prepare(name: str) -> Model:
    """The network called `name`, made now if it is not there; in a process of its own, since TensorFlow is large."""
    model = Model(name)
    if not (model.folder / "expected.json").is_file():
        python_of("tf2onnx")
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        subprocess.run([sys.executable, "-m", "experiments.serving.models", name], check=True, cwd=ROOT, env=quiet)
    return model


def make(model: Model) -> None:
    """Writes every form of `model`, and checks that they agree. Raises ValueError when they do not."""
    network = _network(*_NETWORKS[model.name])
    model.model_dir.mkdir(parents=True, exist_ok=True)
    network.export(model.model_dir, verbose=False)
    network.save(model.folder / "network.keras")
    labels = [f"{LABEL}{at:04}" for at in range(CLASSES)]
    (model.model_dir / "labels.json").write_text(json.dumps(labels))
    (model.model_dir / "model.toml").write_text(_spec(model.name))
    sent = {name: pixels(Image.open(BytesIO(body))) for name, body in pictures().items()}
    scores = {name: network.predict(x, verbose=0)[0] for name, x in sent.items()}
    _check(model, next(iter(sent.values())), next(iter(scores.values())))
    expected = {name: labels[int(each.argmax())] for name, each in scores.items()}
    (model.folder / "expected.json").write_text(json.dumps(expected))


def pixels(image: Image.Image) -> Float32:
    """`image` as the networks take it, (1, 224, 224, 3)."""
    small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return ((np.asarray(small, np.float32) - 127.5) / 127.5)[None]


def _network(application: str, seed: int) -> Any:
    import keras  # noqa: PLC0415 only where a network is made

    keras.utils.set_random_seed(seed)
    network = getattr(keras.applications, application)(weights=None, classes=CLASSES, input_shape=(SIDE, SIDE, 3))
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    network(_crops(), training=True)
    return network


def _crops() -> Float32:
    """Pieces of the photograph, of several sizes and turned."""
    random = np.random.default_rng(0)
    with Image.open(BytesIO(pictures()["12 megapixels"])) as photograph:
        whole = photograph.convert("RGB").resize((2 * SIDE, 2 * SIDE))
    crops = []
    for turn in range(32):
        left, top = random.integers(0, 200, 2)
        side = random.integers(100, 248)
        crops.append(pixels(whole.crop((left, top, left + side, top + side)).rotate(90 * (turn % 4))))
    return np.concatenate(crops)


def _check(model: Model, x: Float32, expected: Float32) -> None:
    """Makes the ONNX file too, and compares it and our engine with Keras."""
    from model_server.engines import choose_engine, only  # noqa: PLC0415 its openvino is not for the other processes

    given, answered = model.folder / "given.npy", model.folder / "answered.npy"
    np.save(given, x)
    onnx = model.folder / "network.onnx"
    subprocess.run([python_of("tf2onnx"), _CONVERT, model.model_dir, onnx, given, answered], check=True)
    engine = choose_engine("openvino")
    engine.load(model.model_dir)
    for form, scores in {"ONNX": np.load(answered)[0], "OpenVINO": only(engine.warm_up(x))[0]}.items():
        difference = float(np.abs(scores - expected).max())
        print(f"{model.name}: {form} differs from Keras by at most {difference:.1e}", flush=True)
        if difference >= MAX_DIFFERENCE:
            raise ValueError(f"{model.name}: {form} differs from Keras by {difference}")
    given.unlink()
    answered.unlink()


def _spec(name: str) -> str:
    return f"""[model]
name = "{name.replace("_", "-")}"
task = "image-classification"
framework = "tensorflow"
container = "savedmodel"
version = "1.0.0"
description = "Random weights, for measurements."
labels = "labels.json"
[input]
size = [{SIDE}, {SIDE}]
mean = [127.5, 127.5, 127.5]
std = [127.5, 127.5, 127.5]
[output]
scores = "probabilities"
[endpoints.cpu]
kind = "serverless"
"""


if __name__ == "__main__":
    make(Model(sys.argv[1]))
