"""How what AWS would run is started on this machine: as a process, or as a container of its built image."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from images.docker import PROGRAM
from local.assembly import Endpoint, Function, LambdaEndpoint
from local.control_groups import Groups

HOST = "127.0.0.1"
MODEL_HANDLER = "model_server.aws_lambda.handler"
"""What the CMD of a function's image names; it stands in no template."""
_ROOM = Path(__file__).parent
_CONTAINER_PORT = "8080"  # SageMaker's, which the image listens on
_SMALL_TMP = "/tmp:size=256m"  # noqa: S108 the container's own


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that serves until it is told to stop, the one that ends it whatever it does, and what holds it."""

    command: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    end: Sequence[str] = ()
    groups: Groups | None = None

    def killed_for_memory(self, pid: int) -> int:
        """How many processes of the one that was started as `pid` the kernel has ended for it; 0 where nobody knows."""
        return self.groups.memory_kills(pid) if self.groups else 0

    async def tidy(self, pid: int) -> None:
        """Once the process has ended: nothing that it started, and nothing that held it, is left."""
        if self.groups:
            await asyncio.to_thread(self.groups.remove, pid)


def as_process(endpoint: Endpoint, python: Path, model_dir: Path, port: int) -> Launch:
    """The model server from the image's build context, on an interpreter that has the image's packages."""
    source = endpoint.image.context
    environment = {
        **os.environ,
        **endpoint.environment,
        "PYTHONPATH": _python_path(source),
        "SM_MODEL_DIR": str(model_dir),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "MODEL_SERVER_HOST": HOST,
    }
    return Launch([python, "-m", "model_server", "serve"], environment, source)


def as_container(endpoint: Endpoint, tag: str, vcpus: float | None, model_dir: Path, port: int) -> Launch:
    """The image as SageMaker runs it, with a serverless endpoint's memory, and no file of its own to write to.

    `vcpus` are the most that it has; all of this machine's for None.
    """
    name = f"{endpoint.name}-{os.getpid()}-{port}"
    command = [PROGRAM, "run", "--rm", "--name", name, "--read-only", "--tmpfs", _SMALL_TMP]
    command += ["--publish", f"{HOST}:{port}:{_CONTAINER_PORT}", "--volume", f"{model_dir}:/opt/ml/model:ro"]
    command += ["--memory", f"{endpoint.memory_mb}m"] if endpoint.memory_mb else []
    command += ["--cpus", f"{min(vcpus, os.cpu_count() or 1):.2f}"] if vcpus else []
    command += [word for pair in endpoint.environment.items() for word in ("--env", "=".join(pair))]
    return Launch([*command, tag, "serve"], os.environ, model_dir, end=[PROGRAM, "kill", name])


def function_process(
    function: Function, name: str, environment: Mapping[str, str], python: Path = Path(sys.executable)
) -> Launch:
    """An execution environment of a Lambda function, with `environment` beside what the template says and `PATH`."""
    given = {"PATH": os.environ.get("PATH", ""), **environment, **function.environment, **_about(name, function)}
    command: list[str | Path] = [
        python,
        _ROOM / "function_worker.py",
        function.source,
        function.handler,
        str(function.timeout_s),
    ]
    return Launch(command, given, function.source)


def model_function_process(endpoint: LambdaEndpoint, python: Path, model_dir: Path) -> Launch:
    """The handler of a function's image, from the image's build context."""
    context = endpoint.image.context
    function = Function(context, MODEL_HANDLER, endpoint.environment, endpoint.timeout_s, endpoint.memory_mb)
    environment = {**os.environ, "PYTHONPATH": _python_path(context), "SM_MODEL_DIR": str(model_dir)}
    return function_process(function, endpoint.name, environment, python)


def model_function_container(endpoint: LambdaEndpoint, tag: str) -> Launch:
    """The image of a function, with the model in it."""
    variables = {**endpoint.environment, **_about(endpoint.name, endpoint)}
    command = [sys.executable, "-m", "local.function_container", tag, str(endpoint.timeout_s), str(endpoint.memory_mb)]
    return Launch([*command, *map("=".join, variables.items())], os.environ, _ROOM.parent)


def _python_path(source: Path) -> str:
    """Where a build context has what an image has in /opt/fovea."""
    return f"{source / 'containers'}{os.pathsep}{source}"


def _about(name: str, function: Function | LambdaEndpoint) -> dict[str, str]:
    return {"AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb)}
