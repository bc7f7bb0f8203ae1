"""Every server that is compared: how it is started as its documentation says, and how a picture is sent to it.

Where a documentation leaves the number of processes or threads open, the fastest of what it names was taken on two
cores; the comment beside it says so.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contract.options import HEADER as OPTIONS_HEADER
from experiments.serving.models import Model
from experiments.serving.venvs import BASELINES, command_of, path_of, python_of
from models.registry import ROOT

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

Encoding = Callable[[bytes], tuple[str, bytes]]
"""A JPEG -> content type and body."""


@dataclass(frozen=True)
class Server:
    """One of them. `command` gets the network, the port and an empty folder to run in."""

    name: str
    title: str
    command: Callable[[Model, int, Path], list[str | Path]]
    path: str = "/predict"
    encoding: Encoding = field(default=lambda jpeg: ("image/jpeg", jpeg))
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, jpeg: bytes) -> bytes:
        """A whole HTTP request with `jpeg`."""
        content_type, body = self.encoding(jpeg)
        headers = {"Host": "127.0.0.1", "Content-Type": content_type, "Content-Length": str(len(body)), **self.headers}
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def environment(self, model: Model, folder: Path) -> dict[str, str]:
        """What the process sees; nothing of AWS, no accelerator, little said."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TMPDIR": str(folder)}
        ours = {"MODEL_FOLDER": str(model.folder)}
        if (BASELINES / self.name).is_dir():
            ours |= {"PATH": path_of(self.name), "PYTHONPATH": str(BASELINES / self.name)}
        return kept | quiet | ours | dict(self.variables)


def _form(field_name: str) -> Encoding:
    def encode(jpeg: bytes) -> tuple[str, bytes]:
        boundary = "fovea-7f3a1c"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field_name}"; filename="picture.jpg"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + jpeg + f"\r\n--{boundary}--\r\n".encode()
        return f"multipart/form-data; boundary={boundary}", body

    return encode


def _json(jpeg: bytes) -> tuple[str, bytes]:
    return "application/json", json.dumps({"image": base64.b64encode(jpeg).decode()}).encode()


def _ours(model: Model, port: int, _folder: Path) -> list[str | Path]:
    return _served(model.model_dir, port)


def _served(model_dir: Path, port: int) -> list[str | Path]:
    settings = {"SM_MODEL_DIR": model_dir, "SAGEMAKER_BIND_TO_PORT": port, "MODEL_SERVER_HOST": "127.0.0.1"}
    given = [f"{name}={value}" for name, value in settings.items()]
    return ["env", *given, sys.executable, "-m", "model_server", "serve"]


def _bfloat16(model: Model, port: int, folder: Path) -> list[str | Path]:
    """Ours with a model.toml that allows it; on a CPU without AMX it is float32 all the same."""
    spec = Path(shutil.copytree(model.model_dir, folder / "model")) / "model.toml"
    spec.write_text(spec.read_text().replace("[model]", '[model]\nprecision = "bfloat16"'))
    return _served(spec.parent, port)


def _gunicorn(baseline: str, *arguments: str) -> Callable[[Model, int, Path], list[str | Path]]:
    def command(_model: Model, port: int, _folder: Path) -> list[str | Path]:
        return [command_of(baseline, "gunicorn"), f"--bind=127.0.0.1:{port}", *arguments, "server:app"]

    return command


def _litserve(_model: Model, port: int, _folder: Path) -> list[str | Path]:
    return [python_of("litserve"), BASELINES / "litserve" / "server.py", str(port)]


def _bentoml(_model: Model, port: int, _folder: Path) -> list[str | Path]:
    serve = ["serve", "server:Classifier", "--host=127.0.0.1", f"--port={port}"]
    return [command_of("bentoml", "bentoml"), *serve, f"--working-dir={BASELINES / 'bentoml'}"]


def _multi_model_server(model: Model, port: int, folder: Path) -> list[str | Path]:
    archive = _model_archive(model)
    config = folder / "config.properties"
    config.write_text(
        f"inference_address=http://127.0.0.1:{port}\nmanagement_address=http://127.0.0.1:{port}\n"
        f"default_workers_per_model={CORES}\n"
    )
    serve: list[str | Path] = ["--start", "--foreground", "--mms-config", config, "--model-store", archive.parent]
    return [command_of("multi_model_server", "multi-model-server"), *serve, "--models", f"predict={archive.name}"]


def _model_archive(model: Model) -> Path:
    """The .mar that multi-model-server serves, made once."""
    store, parts = model.folder / "store", model.folder / "archive"
    archive, handler = store / "predict.mar", BASELINES / "multi_model_server" / "handler.py"
    if not archive.is_file() or archive.stat().st_mtime < handler.stat().st_mtime:
        for folder in (store, parts):
            folder.mkdir(exist_ok=True)
        for file in (handler, model.folder / "network.onnx", model.model_dir / "labels.json"):
            (parts / file.name).write_bytes(file.read_bytes())
        archiver = command_of("multi_model_server", "model-archiver")
        given = ["--model-name=predict", f"--model-path={parts}", f"--export-path={store}", "--handler=handler:handle"]
        subprocess.run([archiver, *given, "--force"], check=True)
    return archive


OURS, BFLOAT16, FLOOR, KERAS = "fovea", "fovea_bfloat16", "floor", "fastapi_keras"
CLIENTS, CURVE = (1, 8, 32), (1, 2, 4, 8, 16, 32)
_TOP_5 = {OPTIONS_HEADER: "top_k=5"}
SOURCES = {"PYTHONPATH": f"{ROOT / 'containers'}{os.pathsep}{ROOT}"}

SERVERS = (
    Server(OURS, "Fovea's model server", _ours, "/invocations", variables=SOURCES, headers=_TOP_5),
    Server(BFLOAT16, 'Fovea, `precision = "bfloat16"`', _bfloat16, "/invocations", variables=SOURCES, headers=_TOP_5),
    Server(FLOOR, "floor: no HTTP", lambda *_: [], variables=SOURCES),
    # 2 * cores + 1 workers answer 12 % more on 224x224, 4 % less on the photograph, and take twice the memory.
    Server(
        KERAS,
        "(a) gunicorn, FastAPI, `model.predict`",
        _gunicorn(KERAS, f"--workers={CORES}", "--worker-class=uvicorn_worker.UvicornWorker"),
    ),
    # 2 * cores + 1 workers are slower here on both pictures.
    Server(
        "flask_savedmodel",
        "(b) gunicorn, Flask, base64, SavedModel",
        _gunicorn("flask_savedmodel", f"--workers={CORES}"),
        encoding=_json,
    ),
    # batch_timeout: 0.01 s as in its examples; one of 0.05 s halves the throughput of 224x224.
    # A worker for each core with one thread: as fast as one worker with two on 224x224, twice on the photograph.
    Server(
        "litserve",
        "(c) LitServe, ONNX Runtime, batching",
        _litserve,
        encoding=_form("content"),
        variables={"WORKERS": str(CORES), "THREADS": "1", "BATCH_TIMEOUT": "0.01"},
    ),
    # A worker for each core, as it says for networks on CPUs. Connections fall on the two by luck: 8 clients on 224x224
    # get 90 to 180 answers a second. One worker with two threads gives 140, and half as many on the photograph.
    Server(
        "bentoml",
        "(d) BentoML, ONNX Runtime, batching",
        _bentoml,
        encoding=_form("images"),
        variables={"WORKERS": str(CORES), "THREADS": "1", "BENTOML_DO_NOT_TRACK": "True"},
    ),
    # A worker for each core and OMP_NUM_THREADS=1 are its own defaults.
    Server("multi_model_server", "(f) multi-model-server, ONNX Runtime", _multi_model_server, "/predictions/predict"),
)
