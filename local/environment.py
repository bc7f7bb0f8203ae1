"""The Python that runs a container's code on this machine: this one, or one of the container's own.

The packages of most containers are those of the local run itself. Where a container pins others (MediaPipe wants
an older NumPy, a user's script its own requirements), it gets a virtual environment beside ours, made once.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

ROOM = Path(sys.prefix) / "containers"
_STAMP = "installed-requirements.txt"


class EnvironmentFailed(Exception):
    """The packages could not be installed; says which, and the last thing that pip said."""


def interpreter(name: str, requirements: Sequence[Path], say: Callable[[str], None] = print) -> Path:
    """The Python for what `requirements` list, exact pins of a container first and then a user's own, if any.

    Makes the environment `name` when this one does not hold those versions. Raises EnvironmentFailed.
    """
    wanted = "\n".join(file.read_text(encoding="utf-8") for file in requirements)
    if len(requirements) == 1 and _is_satisfied(wanted):
        return Path(sys.executable)
    folder = ROOM / name
    python = folder / "bin" / "python"
    stamp = folder / _STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        say(f"Installing the packages of {name} (a minute or two, once) …")
        _run("venv", "--clear", "--without-pip", str(folder))
        pins, *own = requirements
        _pip(python, "--no-deps", "-r", str(pins))
        for file in own:
            _pip(python, "-c", str(pins), "-r", str(file))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _is_satisfied(requirements: str) -> bool:
    """Whether this interpreter has every pinned version; a build's local part, such as +cpu, makes no difference."""
    try:
        return all(metadata.version(name).partition("+")[0] == version for name, version in _pins(requirements))
    except metadata.PackageNotFoundError:
        return False


def _pins(requirements: str) -> Iterator[tuple[str, str]]:
    for line in requirements.splitlines():
        name, _, version = line.partition("#")[0].partition(";")[0].partition("==")
        if version:
            yield name.partition("[")[0].strip(), version.strip()


def _pip(python: Path, *arguments: str) -> None:
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
    _run("pip", "--python", str(python), "install", *quiet, *arguments)


def _run(module: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise EnvironmentFailed(f"python -m {module} {' '.join(arguments)} failed: {last}")
