"""From the start of a process to its first correct prediction: our server beside TensorFlow reading the same model,
which is favoured, as it serves no HTTP, and beside the way of the published systems.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from experiments.local_run import environment
from experiments.serving.measure import served
from experiments.serving.models import LABEL, Model
from experiments.serving.servers import KERAS, OURS, SERVERS
from models.labels import read_labels
from models.registry import ROOT
from models.spec import read_spec

PICTURE = "224x224"

_TENSORFLOW = """import sys
import numpy as np, tensorflow as tf
from PIL import Image
model = tf.saved_model.load(sys.argv[1])
with Image.open(sys.argv[2]) as image:
    pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR), np.float32)
outputs = model.signatures["serving_default"](tf.constant((pixels[None] - 127.5) / 127.5))
print(int(np.argmax(next(iter(outputs.values())))), flush=True)
"""


_KERAS_FILE = """import sys
import tensorflow as tf
from models.diabetic_retinopathy.network import build_network
network = build_network()
saved = [each for each in tf.saved_model.load(sys.argv[1]).variables if each.dtype.is_floating]  # not dropout's seed
network.set_weights([each.numpy() for each in saved])
network.save(sys.argv[2])
"""


def measure(model_dir: Path, picture: bytes, folder: Path, rounds: int = 5) -> dict[str, float]:
    """Median seconds of each, rounds interleaved. Raises Refused when one does not give the label of another."""
    file = folder / "picture.jpg"
    file.write_bytes(picture)
    model = _prepare(model_dir, file)
    ways: dict[str, Callable[[], float]] = {
        "gunicorn, FastAPI, `model.predict`": lambda: _server(KERAS, model, picture),
        "TensorFlow, `tf.saved_model.load`": lambda: _tensorflow(model_dir, file)[1],
        "model server, OpenVINO": lambda: _server(OURS, model, picture),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            seconds = way()
            if turn:  # the first round compiles bytecode and warms the disk's cache
                taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def _prepare(model_dir: Path, picture: Path) -> Model:
    """What experiments.serving starts servers with, and labels as it expects them."""
    model = Model("diabetic_retinopathy")
    shutil.rmtree(model.folder, ignore_errors=True)
    shutil.copytree(model_dir, model.model_dir)
    spec = model.model_dir / "model.toml"
    labels = [f"{LABEL}{at}" for at in range(len(read_labels(read_spec(spec), model_dir)))]
    spec.write_text(re.sub("^labels = .*$", 'labels = "labels.json"', spec.read_text(), flags=re.MULTILINE))
    (model.model_dir / "labels.json").write_text(json.dumps(labels))
    (model.folder / "expected.json").write_text(json.dumps({PICTURE: labels[_tensorflow(model_dir, picture)[0]]}))
    command = [sys.executable, "-c", _KERAS_FILE, str(model_dir), str(model.folder / "network.keras")]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return model


def _tensorflow(model_dir: Path, picture: Path) -> tuple[int, float]:
    command = [sys.executable, "-c", _TENSORFLOW, str(model_dir), str(picture)]
    quiet = environment() | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    started = time.perf_counter()
    with subprocess.Popen(command, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        index = int(process.stdout.readline() if process.stdout else "")
        return index, time.perf_counter() - started


def _server(name: str, model: Model, picture: bytes) -> float:
    server = next(server for server in SERVERS if server.name == name)
    with tempfile.TemporaryDirectory() as folder, served(model, server, {PICTURE: picture}, Path(folder)) as started:
        return started[1]
