"""A virtual environment for each baseline, made at its first use from the pins beside its server."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from models.registry import ROOT

BASELINES = Path(__file__).parent / "baselines"
_VENVS = ROOT / ".cache" / "serving" / "venvs"


def python_of(baseline: str) -> Path:
    """The interpreter of `baseline`, with all it needs installed and compiled to bytecode."""
    requirements, venv = BASELINES / baseline / "requirements.txt", _VENVS / baseline
    python, stamp = venv / "bin" / "python", venv / ".installed"
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == pins:
        return python
    print(f"installing {baseline} (a minute or two, once) …", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([_base_python(), "-m", "venv", venv], check=True)
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]
    subprocess.run([*pip, "-r", requirements], check=True)
    # Some packages carry files of another version's syntax, which is no fault here.
    subprocess.run([python, "-m", "compileall", "-q", "-j", "0", venv / "lib"], check=False, capture_output=True)
    stamp.write_text(pins)
    return python


def command_of(baseline: str, command: str) -> Path:
    """A command that a package of `baseline` brings."""
    return python_of(baseline).parent / command


def path_of(baseline: str) -> str:
    """PATH with the commands of `baseline` first."""
    return f"{python_of(baseline).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def _base_python() -> str:
    """Python 3.11, on which every baseline installs; else the one that made our own environment."""
    return shutil.which("python3.11", path=os.defpath + os.pathsep + os.environ.get("PATH", "")) or sys.executable
