"""The Python that runs a container's code on this machine: this one, or one of the container's own.

The packages of most containers are those of the local run itself. Where a container pins others (MediaPipe wants
an older NumPy, a user's script its own requirements), it gets a virtual environment beside ours, made once.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

ROOM = Path(sys.prefix) / "containers"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # the only one with PyTorch built without CUDA
_STAMP = "installed-requirements.txt"
_PIN = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([\w.+!-]+)")


class EnvironmentFailed(Exception):
    """The packages could not be installed; says which, and the last thing that pip said."""


def interpreter(name: str, requirements: Sequence[Path], say: Callable[[str], None] = print) -> Path:
    """The Python for what `requirements` list, exact pins of a container first and then a user's own, if any.

    Makes the environment `name` when this one does not hold those versions. Raises EnvironmentFailed.
    """
    pins = dict(pins_of(requirements[0]))
    if len(requirements) == 1 and _are_installed(pins):
        return Path(sys.executable)
    folder = ROOM / name
    python = folder / "bin" / "python"
    stamp = folder / _STAMP
    wanted = "\n".join([*map("==".join, pins.items()), *(file.read_text("utf-8") for file in requirements[1:])])
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        say(f"Installing the packages of {name} (a minute or two, once) …")
        _run("venv", "--clear", "--without-pip", str(folder))
        _install(python, requirements, pins)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _are_installed(pins: Mapping[str, str]) -> bool:
    """Whether this interpreter has every pinned version; a build's local part, such as +cpu, makes no difference."""
    try:
        return all(_public(metadata.version(name)) == _public(version) for name, version in pins.items())
    except metadata.PackageNotFoundError:
        return False


def _public(version: str) -> str:
    return version.partition("+")[0]


def pins_of(file: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each pin in `file` and in the files that it includes; hashes are pip's to read."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from pins_of(file.parent / line.removeprefix("-r ").strip())
        elif found := _PIN.match(line):
            yield found[1], found[2]


def _has_index(pins: Mapping[str, str]) -> bool:
    """Whether pip knows already where the builds are: on PyPI, or where its user says."""
    return "PIP_EXTRA_INDEX_URL" in os.environ or not any("+cpu" in version for version in pins.values())


def _install(python: Path, requirements: Sequence[Path], pins: Mapping[str, str]) -> None:
    listed, *own = requirements
    with tempfile.TemporaryDirectory() as room:
        constraints = Path(room) / "pins.txt"  # without hashes: those of a user's own packages are not known
        constraints.write_text("\n".join(map("==".join, pins.items())), encoding="utf-8")
        index = () if _has_index(pins) else ("--extra-index-url", CPU_INDEX)
        _pip(python, *index, "--no-deps", "-r", str(listed))
        for file in own:
            _pip(python, *index, "-c", str(constraints), "-r", str(file))


def _pip(python: Path, *arguments: str) -> None:
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
    _run("pip", "--python", str(python), "install", *quiet, *arguments)


def _run(module: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise EnvironmentFailed(f"python -m {module} {' '.join(arguments)} failed: {last}")
