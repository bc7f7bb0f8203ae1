"""The real CDK command, as a person deploys by it; what it says goes to a file, and how long it takes is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from experiments.sweep.errors import DeployFailed
from models.registry import ROOT

_CDK = ROOT / "node_modules" / ".bin" / "cdk"
_EVERY_S = 15.0
_TERMINATED_S = 20.0
_SAID_LINES = 3


def cdk(arguments: Sequence[str], log: Path, say: Callable[[str], None], title: str) -> None:
    """Runs `cdk ARGUMENTS`, its output appended to `log`. Raises DeployFailed.

    It has a session of its own, so that Ctrl-C reaches this process alone: whoever is interrupted here ends it first.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), str(_CDK.parent), os.environ.get("PATH", "")])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        began = out.tell()
        process = subprocess.Popen(
            [_CDK, *arguments],
            cwd=ROOT,
            env=os.environ | {"PATH": path, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, say, title)
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        said = [line.strip() for line in log.read_bytes()[began:].decode(errors="replace").splitlines()]
        last = " ".join([line for line in said if line][-_SAID_LINES:])
        raise DeployFailed(f"cdk {arguments[0]} failed: {last[-500:]} ({log} has all of it)")


def _wait(process: "subprocess.Popen[bytes]", say: Callable[[str], None], title: str) -> None:
    began = time.monotonic()
    while True:
        try:
            process.wait(_EVERY_S)
        except subprocess.TimeoutExpired:
            say(f"{title}: {time.monotonic() - began:.0f} s")
        else:
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TERMINATED_S)
            return
