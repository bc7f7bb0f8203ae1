"""From the start of a process to its first correct prediction: our server beside TensorFlow reading the same model.

The baseline is favoured: it serves no HTTP and answers from inside the process.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx

from experiments.local_run import environment, start_model_server
from models.labels import read_labels
from models.spec import read_spec

_TENSORFLOW = """import sys
import numpy as np, tensorflow as tf
from PIL import Image
model = tf.saved_model.load(sys.argv[1])
with Image.open(sys.argv[2]) as image:
    pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR), np.float32)
outputs = model.signatures["serving_default"](tf.constant((pixels[None] - 127.5) / 127.5))
print(int(np.argmax(next(iter(outputs.values())))), flush=True)
"""


def measure(model_dir: Path, picture: bytes, folder: Path, rounds: int = 5) -> dict[str, float]:
    """Median seconds of both, rounds interleaved. Raises ValueError when they do not agree on the label."""
    file = folder / "picture.jpg"
    file.write_bytes(picture)
    labels = list(read_labels(read_spec(model_dir / "model.toml"), model_dir).values())
    ways: dict[str, Callable[[], tuple[str, float]]] = {
        "TensorFlow, `tf.saved_model.load`": lambda: _tensorflow(model_dir, file, labels),
        "model server, OpenVINO": lambda: _server(model_dir, picture),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    said = set()
    for turn in range(rounds + 1):
        for name, way in ways.items():
            label, seconds = way()
            said.add(label)
            if turn:  # the first round compiles bytecode and warms the disk's cache
                taken[name].append(seconds)
    if len(said) != 1:
        raise ValueError(f"the two disagree on the picture: {said}")
    return {name: median(seconds) for name, seconds in taken.items()}


def _tensorflow(model_dir: Path, file: Path, labels: list[str]) -> tuple[str, float]:
    command = [sys.executable, "-c", _TENSORFLOW, str(model_dir), str(file)]
    quiet = environment() | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    started = time.perf_counter()
    with subprocess.Popen(command, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        index = int(process.stdout.readline() if process.stdout else "")
        seconds = time.perf_counter() - started
    return labels[index], seconds


def _server(model_dir: Path, picture: bytes) -> tuple[str, float]:
    started = time.perf_counter()
    with start_model_server(model_dir) as url:
        answer = httpx.post(f"{url}/invocations", content=picture, headers={"content-type": "image/jpeg"}, timeout=60)
        seconds = time.perf_counter() - started
        return answer.raise_for_status().json()["predictions"][0]["label"], seconds
