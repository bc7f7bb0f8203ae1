"""An image, started the way SageMaker starts it, and how tests talk to it."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from images.docker import PROGRAM, engine_says
from tests.containers.server_process import Reply

READY_S = 10


class Network:
    """An internal network while entered: SageMaker's network isolation."""

    def __init__(self) -> None:
        self.name = f"fovea-test-{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> "Network":
        engine_says("network", "create", "--internal", self.name)
        return self

    def __exit__(self, *_) -> None:
        engine_says("network", "rm", self.name)


class Container:
    """`docker run IMAGE serve` with a model mounted read-only, two cores, and no file of its own to write to."""

    def __init__(self, tag: str, model_dir: Path, network: Network, memory_mb: int, *more: str) -> None:
        self.name = f"fovea-test-{uuid.uuid4().hex[:8]}"
        limits = ["--cpus", "2", "--memory", f"{memory_mb}m", "--read-only", "--tmpfs", "/tmp:size=64m"]  # noqa: S108 its own
        mounted = ["--volume", f"{model_dir}:/opt/ml/model:ro"]
        self.started = time.monotonic()
        engine_says("run", "-d", "--name", self.name, "--network", network.name, *limits, *mounted, *more, tag, "serve")
        self.http = httpx.Client(base_url=f"http://{self._address()}:8080", timeout=60)

    def _address(self) -> str:
        networks = json.loads(engine_says("inspect", "--format", "{{json .NetworkSettings.Networks}}", self.name))
        return next(iter(networks.values()))["IPAddress"]

    def wait_until_ready(self) -> float:
        """Seconds from `docker run` to the first 200 of /ping."""
        while time.monotonic() < self.started + READY_S:
            if self.ping() == 200:
                return time.monotonic() - self.started
            assert self.is_running(), self.said()
            time.sleep(0.02)
        raise AssertionError(self.said())

    def ping(self) -> int | None:
        try:
            return self.http.get("/ping", timeout=2).status_code
        except httpx.TransportError:
            return None

    def predict(self, body: bytes, content_type: str = "image/jpeg", **headers: str) -> Reply:
        sent = {"content-type": content_type} | headers
        return Reply(self.http.post("/invocations", content=body, headers=sent))

    def is_running(self) -> bool:
        return engine_says("inspect", "--format", "{{.State.Running}}", self.name) == "true"

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after 30 s, as SageMaker does."""
        engine_says("stop", "--time", "30", self.name)

    def wait(self) -> int:
        """The exit code."""
        return int(engine_says("wait", self.name, timeout_s=60))

    def said(self) -> str:
        """All that it wrote, stderr too."""
        done = subprocess.run([PROGRAM, "logs", self.name], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def log_lines(self) -> list[dict]:
        """Every line of stdout, parsed: a line that is not JSON fails the test."""
        return [json.loads(line) for line in engine_says("logs", self.name).splitlines()]


@contextmanager
def running(tag: str, model_dir: Path, network: Network, memory_mb: int = 2048, *more: str) -> Iterator[Container]:
    """A container, removed at the end; it need not be ready."""
    container = Container(tag, model_dir, network, memory_mb, *more)
    try:
        yield container
    finally:
        container.http.close()
        engine_says("rm", "--force", container.name)
