"""Python's own start-up, and what the server imports: processor time of processes of their own, bytecode compiled."""

import resource
import subprocess
import sys
from collections.abc import Callable

from experiments.levers.timing import values

_ROUNDS = 15
_FLAGS = ((), ("-S",), ("-s",), ("-E",), ("-I",), ("-I", "-S"), ("-X", "frozen_modules=off"))
_WITHOUT_CONVERSION = "import sys; sys.modules['openvino.tools.ovc'] = sys.modules['openvino_telemetry'] = None; "
_NO_PLUGINS = "import os; os.environ['PYDANTIC_DISABLE_PLUGINS'] = '__all__'; "
FRONT = "import model_server.settings, model_server.serve"
MODEL = (
    "import model_server.settings, model_server.loading, model_server.engines.openvino, "
    "models.spec, models.labels, model_server.classifier"
)
_IMPORTS = {
    "python -c pass": "pass",
    "numpy": "import numpy",
    "Pillow": "import PIL.Image",
    "openvino with its conversion": "import openvino",
    "openvino as the server imports it": _WITHOUT_CONVERSION + "import openvino",
    "dataclasses": "import dataclasses",
    "pydantic, as model.toml uses it": "import models.spec",
    "the same, without a search for plugins": _NO_PLUGINS + "import models.spec",
    "asyncio": "import asyncio",
    "uvloop": "import uvloop",
    "uvicorn": "import uvicorn",
    "starlette": "import starlette.applications, starlette.routing, starlette.responses",
    "all of the front": FRONT,
    "all of the model's process": MODEL,
    "the same, without pydantic's search": _NO_PLUGINS + _WITHOUT_CONVERSION + MODEL,
}
_TOP = 20


def main() -> None:
    """Flags, imports one by one, and where an import's time goes."""
    print("python -c pass with")
    print(values({" ".join(flags) or "no flag": _spent(*flags, "-c", "pass") for flags in _FLAGS}, _ROUNDS, "ms"))
    print("python -c 'import …'")
    print(values({name: _spent("-c", script) for name, script in _IMPORTS.items()}, _ROUNDS, "ms"))
    for name, script in {"the front": FRONT, "the model's process": MODEL}.items():
        print(f"-X importtime of {name}: ms of each with all below it, ms without, module")
        print("\n".join(_dearest(script)))


def _spent(*arguments: str) -> Callable[[], float]:
    def run() -> float:
        before = _children_s()
        subprocess.run([sys.executable, *arguments], check=True)
        return (_children_s() - before) * 1000

    return run


def _children_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _dearest(script: str) -> list[str]:
    """The modules that cost most; of a package and its parts only what stands out of Python's own report."""
    command = [sys.executable, "-X", "importtime", "-c", script]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    rows = [line.removeprefix("import time:").split("|") for line in said.splitlines() if "import time:" in line][1:]
    ordered = sorted(((int(whole), int(own), name.strip()) for own, whole, name in rows), reverse=True)
    return [f"    {whole / 1000:7.1f} {own / 1000:7.1f}  {name}" for whole, own, name in ordered[:_TOP]]
