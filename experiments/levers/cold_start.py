"""What an archive could hold to load faster than a SavedModel: OpenVINO's own files, its model cache, a compiled blob.

Each in processes of its own; the page cache is warm. A cache or blob fits one OpenVINO version and one kind of CPU.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openvino

from experiments.levers.networks import example, folder, read, save
from experiments.levers.timing import values

_MODELS, _ROUNDS = ("diabetic_retinopathy", "resnet50"), 11
_HEAD = """import sys, time
sys.modules["openvino.tools.ovc"] = sys.modules["openvino_telemetry"] = None
import numpy as np, openvino
source, cache, x = sys.argv[1], sys.argv[2], np.load(sys.argv[3])
config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
started = time.perf_counter()
core = openvino.Core()
"""
_READ = """network = core.read_model(source)
network.reshape(list(x.shape))
compiled = core.compile_model(network, "CPU", config)
"""
_CACHED = """config["CACHE_DIR"] = cache
compiled = core.compile_model(source, "CPU", config)
"""
_BLOB = """with open(source, "rb") as blob:
    compiled = core.import_model(blob.read(), "CPU", config)
"""
_TAIL = """compiled.create_infer_request().infer(x, share_inputs=True)
print((time.perf_counter() - started) * 1000)
"""


def main() -> None:
    """Milliseconds to read, compile and infer once, after the imports."""
    for name in _MODELS:
        with TemporaryDirectory() as here:
            print(f"{name}: milliseconds from the network's file to the first answer, openvino imported")
            print(values(_ways(name, Path(here)), _ROUNDS, "ms"))


def _ways(name: str, here: Path) -> dict[str, Callable[[], float]]:
    network, x = read(name), example(name)
    save(network, here / "ir")
    np.save(here / "x.npy", x)
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    blob = openvino.Core().compile_model(network, "CPU", hints).export_model()
    (here / "blob").write_bytes(blob.getvalue())
    print(f"  blob {len(blob.getvalue()) / 1e6:.2f} MB")

    def way(script: str, source: Path) -> Callable[[], float]:
        return lambda: _run(script, source, here)

    return {
        "SavedModel": way(_READ, folder(name)),
        "OpenVINO's own files": way(_READ, here / "ir" / "model.xml"),
        "OpenVINO's own files, model cache filled": way(_CACHED, here / "ir" / "model.xml"),
        "compiled blob": way(_BLOB, here / "blob"),
    }


def _run(script: str, source: Path, here: Path) -> float:
    command: list[str | Path] = [sys.executable, "-c", _HEAD + script + _TAIL, source, here / "cache", here / "x.npy"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
