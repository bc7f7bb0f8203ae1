"""The container engine: the `docker` command, and one clear line for each way in which it cannot help."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from images.assets import Image

PROGRAM = os.environ.get("CDK_DOCKER", "docker")  # the variable that the CDK command reads, too

_STEP = re.compile(r"^#(\d+) \[([^\]]+)\] (.+)$")
_OUTPUT = re.compile(r"^#(\d+) \d+\.\d+ (.+)$")
_FULL = "no space left on device"


class DockerError(Exception):
    """The engine is missing, or cannot do what it was asked; one line that says what to do."""


def check_engine() -> None:
    """Raises DockerError when no engine answers."""
    engine_says("version", "--format", "{{.Server.Version}}")


def engine_says(*arguments: str, timeout_s: float | None = None) -> str:
    """What `docker ARGUMENTS` prints. Raises DockerError."""
    try:
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=timeout_s)
    except FileNotFoundError as error:
        raise DockerError(
            f"The command {PROGRAM} is not installed. Install Docker, or name another command with CDK_DOCKER."
        ) from error
    if done.returncode:
        raise DockerError(_explained(done.stderr, arguments[0]))
    return done.stdout.strip()


def is_built(tag: str) -> bool:
    """Whether the engine has an image of that name. Raises DockerError when there is no engine."""
    return bool(engine_says("image", "ls", "--quiet", tag))


def build(image: Image, tags: Sequence[str], log: Path, say: Callable[[str], None] | None = None) -> None:
    """Builds `image` as the CDK command would; `say` gets each step as it begins. Raises DockerError.

    DOCKER_BUILD_OPTIONS may add options, such as `--build-arg CPU_INDEX=…` for a mirror of PyTorch's index.
    """
    command = [PROGRAM, "build", "--progress", "plain", "--platform", image.platform]
    command += ["--file", str(image.context / image.file)]
    command += [word for name, value in image.build_args.items() for word in ("--build-arg", f"{name}={value}")]
    command += ["--target", image.target] if image.target else []
    command += [word for tag in tags for word in ("--tag", tag)]
    command += [*shlex.split(os.environ.get("DOCKER_BUILD_OPTIONS", "")), str(image.context)]
    # SageMaker and Lambda refuse images with attestations beside them.
    environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        try:
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            )
        except FileNotFoundError as error:
            raise DockerError(f"The command {PROGRAM} is not installed. Install Docker.") from error
        with process:
            for line in process.stdout or ():
                file.write(line)
                if say and (step := _STEP.match(line)):
                    say(step[3])
    if process.returncode:
        raise DockerError(_failure(image, log))


def _failure(image: Image, log: Path) -> str:
    said = log.read_text(encoding="utf-8")
    if _FULL in said or not said.startswith("#"):
        return f"{image.container}: {_explained(said, 'build')}"
    failed = next(re.finditer(r"^#(\d+) ERROR: (.+)$", said, re.MULTILINE), None)
    if failed is None:
        return f"{image.container}: {said.strip().splitlines()[-1]}; the whole output: {log}"
    step, reason = failed[1], failed[2]
    name = next((found[3] for found in map(_STEP.match, said.splitlines()) if found and found[1] == step), "a step")
    output = [found[2] for found in map(_OUTPUT.match, said.splitlines()) if found and found[1] == step]
    return f"{image.container}: `{name[:80]}` failed: {output[-1] if output else reason}; the whole output: {log}"


def _explained(said: str, verb: str) -> str:
    if _FULL in said:
        return "The disk of the Docker engine is full. `docker system prune` frees what nothing uses; then try again."
    if re.search(r"cannot connect|is the docker daemon running|connection refused|no such file.*sock", said, re.I):
        return f"No Docker engine answers the command {PROGRAM}. Start it, and see that `{PROGRAM} info` succeeds."
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "no output")
    return f"{PROGRAM} {verb} failed: {last.strip()}"
