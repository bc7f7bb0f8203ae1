"""The local run and the model server as processes of their own, for measurements and tests to talk to."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.endpoint import free_port
from models.registry import ROOT

MEASURED_STAGE = "prod"
FOR_MEASURING = (f"--stage={MEASURED_STAGE}", "-c", "auth=api-key", "-c", "api_key_alone=accepted")
"""Of a local run: the stage whose throttle is the highest, and no signature, which is work of the client's."""
START_TIMEOUT_S = 120
FIRST_START_TIMEOUT_S = 900  # of a local run: once, it installs what containers have of their own


class DidNotStart(Exception):
    """The process ended or stayed silent; carries what it said."""


@dataclass
class Local:
    """A running `python -m local`; what it needs to be known by, it printed."""

    process: "subprocess.Popen[str]"
    state: Path
    lines: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        """All it printed so far."""
        return "".join(self.lines)

    @property
    def url(self) -> str:
        """The API's address."""
        return self._printed(r"ready on (http://\S+)")

    @property
    def runtime_url(self) -> str:
        """The address of the SageMaker runtime."""
        return self._printed(r"aws command, on (http://[\d.]+:\d+)")

    @property
    def s3_url(self) -> str:
        """The address of S3."""
        return self._printed(r"S3, likewise, on (http://[\d.]+:\d+)")

    @property
    def key(self) -> str:
        """The API key."""
        return self.shown("KEY")

    def shown(self, variable: str) -> str:
        """What a caller of its stage has to show, by the shell's variable that it is printed with."""
        return self._printed(rf"^  {variable}=(\S+)")

    def _printed(self, pattern: str) -> str:
        found = re.search(pattern, self.said, re.MULTILINE)
        if found is None:
            raise DidNotStart(self.said)
        return found[1]


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def environment() -> dict[str, str]:
    """This process's, with the virtual environment's commands first and nothing of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"}


@contextlib.contextmanager
def start_local(state: Path, *arguments: str, root: Path = ROOT, **variables: str) -> Iterator[Local]:
    """`python -m local` of the repository at `root`, on a free port, while entered. Raises DidNotStart."""
    command = [sys.executable, "-m", "local", "--port=0", f"--state={state}", f"--out={state / 'cdk.out'}", *arguments]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    local = Local(process, state)
    output = process.stdout
    threading.Thread(target=lambda: local.lines.extend(output or ()), daemon=True).start()
    try:
        wait_until(lambda: "Ctrl-C" in local.said or process.poll() is not None, FIRST_START_TIMEOUT_S)
        if "Ctrl-C" not in local.said:
            raise DidNotStart(local.said)
        yield local
    finally:
        if "Ctrl-C" in local.said:
            _stop(process)
        elif process.poll() is None:  # with what synthesizes; it may ignore SIGINT still, as a shell's background does
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


@contextlib.contextmanager
def start_model_server(model_dir: Path, python: Path = Path(sys.executable), **variables: str) -> Iterator[str]:
    """`python -m model_server serve` for `model_dir` while entered; gives its address. Raises DidNotStart."""
    port = free_port()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [python, "-m", "model_server", "serve"],
            env={
                **environment(),
                "PYTHONPATH": f"{ROOT / 'containers'}{os.pathsep}{ROOT}",
                "SM_MODEL_DIR": str(model_dir),
                "SAGEMAKER_BIND_TO_PORT": str(port),
                "MODEL_SERVER_HOST": "127.0.0.1",
                **variables,
            },
            stdout=log,
            text=True,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: process.poll() is not None or answers(f"{url}/ping"), START_TIMEOUT_S)
            if not answers(f"{url}/ping"):
                log.seek(0)
                raise DidNotStart(log.read())
            yield url
        finally:
            _stop(process)


def answers(url: str) -> bool:
    """Whether a GET is answered 200 now."""
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def _stop(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(60)
