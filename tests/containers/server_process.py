"""A real `python -m model_server serve` for a model folder, and how tests talk to it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 90
_OURS = ("MODEL_SERVER_", "SAGEMAKER_", "SM_")


@dataclass(frozen=True)
class Reply:
    """An answer, as tests look at it."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def code(self) -> str | None:
        """The error's code, after checking that the envelope is whole."""
        if self.status == 200:
            return None
        error = self.response.json()["error"]
        assert sorted(error) == ["code", "message", "request_id"]
        assert error["request_id"] == self.headers["x-request-id"]
        return error["code"]

    @property
    def headers(self) -> httpx.Headers:
        return self.response.headers

    def json(self):
        return self.response.json()

    def scores(self) -> dict[str, float]:
        return {item["label"]: item["score"] for item in self.json()["predictions"]}


class Server:
    """One server process."""

    def __init__(self, model_dir: Path, log: Path, python: Path | str = sys.executable, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        settings = {"SM_MODEL_DIR": str(model_dir), "SAGEMAKER_BIND_TO_PORT": "0", "MODEL_SERVER_HOST": "127.0.0.1"}
        path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}"}
        self._log, self._errors = log, log.with_suffix(".stderr")
        with log.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [python, "-m", "model_server", "serve"],
                env=kept | settings | path | environment,
                cwd=log.parent,
                stdout=output,
                stderr=errors,
            )
        self.http = httpx.Client(timeout=60)
        self.early: tuple[int | None, Reply] | None = None
        """How /ping and /invocations were answered as soon as it listened."""

    def log_lines(self) -> list[dict]:
        """Every line it wrote, parsed: a line that is not JSON fails the test."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def said(self) -> str:
        """All that it wrote, stderr too."""
        return self._log.read_text() + self._errors.read_text()

    def wait_until_listening(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            for line in self._log.read_text().splitlines(keepends=True):
                if line.endswith("\n") and json.loads(line)["message"] == "listening":
                    self.http.base_url = f"http://127.0.0.1:{json.loads(line)['port']}"
                    return
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)
        raise AssertionError(self.said())

    def wait_until_ready(self) -> None:
        self.wait_until_listening()
        self.early = self.ping(), self.predict(b"\xff\xd8\xff")
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.ping() == 200:
                return
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)
        raise AssertionError(self.said())

    def ping(self) -> int | None:
        """The status of /ping, or None when nobody answers."""
        try:
            return self.http.get("/ping").status_code
        except httpx.TransportError:
            return None

    def predict(self, body, content_type: str | None = "image/jpeg", **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            sent["content-type"] = content_type
        return Reply(self.http.post("/invocations", content=body, headers=sent))

    def predict_json(self, value: object, **headers: str) -> Reply:
        return self.predict(json.dumps(value).encode(), "application/json", **headers)

    def request(self, method: str, path: str) -> Reply:
        return Reply(self.http.request(method, path))

    def pids(self) -> list[int]:
        """Of the front and of the process that runs the model."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def worker_pid(self) -> int:
        """The process that runs the model."""
        return self.pids()[-1]

    def memory_bytes(self) -> int:
        """What both hold now; what they share counts once."""
        rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids())
        return sum(int(re.search(r"Pss: +(\d+)", rollup)[1]) * 1024 for rollup in rollups)

    def peak_rss_bytes(self) -> int:
        """The most that each held, together."""
        statuses = (Path(f"/proc/{pid}/status").read_text() for pid in self.pids())
        return sum(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024 for status in statuses)

    def forget_peak(self) -> None:
        """The peak starts again from what is held now (proc(5), clear_refs)."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


@contextmanager
def serving(model_dir: Path, log: Path, python: Path | str = sys.executable, **environment: str) -> Iterator[Server]:
    """A ready server, stopped at the end."""
    server = Server(model_dir, log, python, **environment)
    try:
        server.wait_until_ready()
        yield server
        if server.process.poll() is None:
            assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
