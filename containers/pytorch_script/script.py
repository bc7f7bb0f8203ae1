"""The user's code/inference.py: found, imported as SageMaker imports it, its functions called as SageMaker calls them.

The environment is that of the SageMaker PyTorch containers (sagemaker-inference-toolkit, `transformer.py`): the working
directory is the model directory, code/ comes first on the path, and a function that takes one parameter more than its
kind needs is given a context.
"""

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import model_server.jobs  # noqa: F401 all that the server imports, so that `_make_way` takes nothing from it
from model_server.engines import EngineError
from model_server.logs import reason

NAMES = ("pre_model_fn", "model_fn", "model_warmup_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
FAULTS = (Exception, SystemExit)
"""What a script may end a call with: sys.exit() in one must not end the server."""

_STEPS = {"input_fn", "predict_fn", "output_fn"}
_TAKEN = ("contract", "models")

Function = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """What a function may ask about where it runs; `gpu_id` is None on a CPU."""

    system_properties: Mapping[str, Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)


def load_functions(model_dir: Path, environ: Mapping[str, str] = os.environ) -> Mapping[str, Function]:
    """The functions that the script defines, by name; none without a script.

    SAGEMAKER_PROGRAM names another file than inference.py, SAGEMAKER_SUBMIT_DIRECTORY another folder than code/.
    Raises EngineError for a script that is not there under the name given, or cannot be imported.
    """
    folder = Path(environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or model_dir / "code").resolve()
    folder = folder if folder.is_dir() else model_dir / "code"
    named = environ.get("SAGEMAKER_PROGRAM")
    program = named or "inference.py"
    os.chdir(model_dir)
    if not (folder / program).is_file():
        if named:
            raise EngineError(f"SAGEMAKER_PROGRAM names {named}, which is not in {folder}; name a file that is")
        return {}
    sys.path.insert(0, str(folder))
    _make_way(folder)
    module = _imported(folder / program)
    functions = {name: getattr(module, name) for name in NAMES if callable(getattr(module, name, None))}
    both = sorted(_STEPS & functions.keys())
    if "transform_fn" in functions and both:
        raise EngineError(f"{program} defines transform_fn and {', '.join(both)}; keep the one or the others")
    return functions


def _make_way(folder: Path) -> None:
    """Lets the script import its own models/ or contract.py, names under which the server has imported its own.

    The server keeps what it has imported; only the names go.
    """
    for name in _TAKEN:
        if not (folder / name).is_dir() and not (folder / f"{name}.py").is_file():
            continue
        own_root = str(Path(sys.modules[name].__path__[0]).parent)
        sys.path[:] = [entry for entry in sys.path if entry != own_root]  # it would win over a folder without __init__
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            del sys.modules[module]


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise EngineError(f"{file.name} is no Python file; SAGEMAKER_PROGRAM names one in code/")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except FAULTS as error:
        raise EngineError(f"{file.name} cannot be imported: {told(error)}") from error
    return module


def told(error: BaseException) -> str:
    """Type and message of what the script raised, and the last line of the user's own on the way there."""
    remedy = "; a package must be named in code/requirements.txt" if isinstance(error, ModuleNotFoundError) else ""
    trace = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in trace if Path(frame.filename).is_relative_to(Path.cwd())]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{reason(error)}{place}{remedy}"


def call(function: Function, *arguments: Any, context: Context) -> Any:
    """`function(*arguments)`, with `context` as a last argument where it takes one."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [parameter for parameter in inspect.signature(function).parameters.values() if parameter.kind in kinds]
    return function(*arguments, context) if len(taken) > len(arguments) else function(*arguments)
