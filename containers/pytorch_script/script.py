"""The user's code/inference.py: found, imported as SageMaker imports it, its functions called as SageMaker calls them.

The environment is that of the SageMaker PyTorch containers (sagemaker-inference-toolkit, `transformer.py`): the working
directory is the model directory, code/ comes first on the path, and a function that takes one parameter more than its
kind needs is given a context.
"""

import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from model_server.engines import EngineError

NAMES = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
_STEPS = {"input_fn", "predict_fn", "output_fn"}

Function = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """What a function may ask about where it runs; `gpu_id` is None on a CPU."""

    system_properties: Mapping[str, Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)


def load_functions(model_dir: Path, environ: Mapping[str, str] = os.environ) -> Mapping[str, Function]:
    """The functions that the script defines, by name; none without a script.

    SAGEMAKER_PROGRAM names another file than inference.py, SAGEMAKER_SUBMIT_DIRECTORY another folder than code/.
    Raises EngineError for a script that cannot be imported.
    """
    folder = Path(environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or model_dir / "code")
    folder = folder if folder.is_dir() else model_dir / "code"
    program = environ.get("SAGEMAKER_PROGRAM") or "inference.py"
    os.chdir(model_dir)
    if not (folder / program).is_file():
        return {}
    sys.path.insert(0, str(folder))
    module = _imported(folder / program)
    functions = {name: getattr(module, name) for name in NAMES if callable(getattr(module, name, None))}
    both = sorted(_STEPS & functions.keys())
    if "transform_fn" in functions and both:
        raise EngineError(f"{program} defines transform_fn and {', '.join(both)}; keep the one or the others")
    return functions


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise EngineError(f"{file.name} is no Python file; SAGEMAKER_PROGRAM names one in code/")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise EngineError(f"{file.name} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def call(function: Function, *arguments: Any, context: Context) -> Any:
    """`function(*arguments)`, with `context` as a last argument where it takes one."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [parameter for parameter in inspect.signature(function).parameters.values() if parameter.kind in kinds]
    return function(*arguments, context) if len(taken) > len(arguments) else function(*arguments)
