"""One SageMaker endpoint on this machine: the real model server, with a real cold start."""

import asyncio
import hashlib
import logging
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import httpx

from local.assembly import Endpoint
from local.launch import HOST, Launch
from models.archive import ArchiveError, unpack

log = logging.getLogger(__name__)

START_TIMEOUT_S = 180.0  # SageMaker serverless: the model must be there within three minutes
STOP_TIMEOUT_S = 30.0  # SageMaker: SIGTERM, then SIGKILL
INVOKE_TIMEOUT_S = 60.0


class EndpointFailed(Exception):
    """The model server does not start; the message says why, or which log does."""


class ContainerTimeout(Exception):
    """The model server did not answer within SageMaker's limit."""


class ContainerDied(Exception):
    """The model server ended, or closed the connection, with the request in flight."""


class NoCopy(Exception):
    """An endpoint that scales to zero has no copy of its model now; this call brings one."""


class LocalEndpoint:
    """Starts its server on the first call, which waits for it; where its copies go to zero the call is refused instead.

    One that scales to zero stops again after `idle_s` seconds without a call.
    """

    def __init__(self, endpoint: Endpoint, launch: Callable[[Path, int], Launch], state: Path, idle_s: float) -> None:
        """`launch` says how to start it, for the folder of the model and a port."""
        self.endpoint = endpoint
        self._launch = launch
        self._launched: Launch | None = None
        self._killed = 0
        self.in_flight = 0
        scales_to_zero = endpoint.kind in ("serverless", "async") or endpoint.component
        self._idle_s = idle_s if scales_to_zero else None
        self._model_dir = state / "models" / _hash_of(endpoint.archive)
        self._log_file = state / "logs" / f"{endpoint.name}.log"
        self._server: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._waking: asyncio.Task[None] | None = None
        self._last_used = time.monotonic()
        self._client = httpx.AsyncClient(timeout=INVOKE_TIMEOUT_S, limits=httpx.Limits(max_connections=None))
        self._url = ""

    @property
    def is_running(self) -> bool:
        """Whether a server process is alive now."""
        return self._server is not None and self._server.returncode is None

    @property
    def pids(self) -> Sequence[int]:
        """The server's process, while there is one."""
        return [self._server.pid] if self._server and self._server.returncode is None else []

    async def invoke(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float = INVOKE_TIMEOUT_S
    ) -> httpx.Response:
        """The container's answer. Raises NoCopy, EndpointFailed, ContainerTimeout, ContainerDied."""
        self.in_flight += 1
        try:
            await (self._ensure_woken() if self.endpoint.component else self._ensure_started())
            url = f"{self._url}/invocations"
            answer = await self._client.post(url, content=body, headers=headers, timeout=timeout_s)
        except httpx.TimeoutException as error:
            raise ContainerTimeout from error
        except httpx.TransportError as error:
            self._say_killed()
            raise ContainerDied from error
        else:
            if answer.status_code >= 500:
                self._say_killed()
            return answer
        finally:
            self.in_flight -= 1
            self._last_used = time.monotonic()

    async def stop_when_idle(self) -> None:
        """Stops the server once it has been idle for long enough; runs as long as the local run does."""
        while self._idle_s is not None:
            await asyncio.sleep(min(self._idle_s / 4, 10))
            idle = time.monotonic() - self._last_used > self._idle_s
            is_waking = self._waking is not None and not self._waking.done()
            if self.is_running and idle and not self.in_flight and not is_waking:
                await self.stop()

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL, as SageMaker does."""
        server, self._server = self._server, None
        launched, self._launched = self._launched, None
        if server is None or launched is None:
            return
        if server.returncode is None:
            await _ended(server, launched)
        await launched.tidy(server.pid)

    async def close(self) -> None:
        """Stops the server and lets go of its connections."""
        if self._waking:
            self._waking.cancel()
            await asyncio.wait([self._waking])
        await self.stop()
        await self._client.aclose()

    async def _ensure_woken(self) -> None:
        if self._waking is None or (self._waking.done() and not self.is_running):
            self._waking = asyncio.create_task(self._wake())
        if not self._waking.done():
            raise NoCopy

    async def _wake(self) -> None:
        try:
            await self._ensure_started()
        except EndpointFailed as error:
            log.error("%s", error)  # noqa: TRY400 - one line for the person at the terminal; nobody else is waiting
        finally:
            self._last_used = time.monotonic()

    async def _ensure_started(self) -> None:
        async with self._starting:
            if not self.is_running:
                await self.stop()  # of one that has ended by itself, what it leaves
                await asyncio.to_thread(self._unpack)
                said = self._said_bytes()
                self._server, self._url = await self._start()
                await self._until_ready(self._server, said)

    def _unpack(self) -> None:
        if self._model_dir.is_dir():
            return
        partial = self._model_dir.with_name(f"{self._model_dir.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            unpack(self.endpoint.archive, partial)
        except ArchiveError as error:
            raise EndpointFailed(f"{self.endpoint.name} does not start; {error}") from error
        partial.replace(self._model_dir)

    async def _start(self) -> tuple[asyncio.subprocess.Process, str]:
        port = free_port()
        launched = self._launched = self._launch(self._model_dir, port)
        self._killed = 0
        with self._log_file.open("ab") as log:
            server = await asyncio.create_subprocess_exec(
                *launched.command,
                stdout=log,
                stderr=log,
                env=launched.environment,
                cwd=launched.folder,
                start_new_session=True,
            )
        return server, f"http://{HOST}:{port}"

    def _said_bytes(self) -> int:
        return self._log_file.stat().st_size if self._log_file.exists() else 0

    async def _until_ready(self, server: asyncio.subprocess.Process, said_bytes: int) -> None:
        """Asks /ping once the server has written to its log: asked before, a container takes a second to be found."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and server.returncode is None:
            try:
                asked = self._said_bytes() > said_bytes
                if asked and (await self._client.get(f"{self._url}/ping", timeout=2)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)
        self._say_killed(server)
        await self.stop()
        raise EndpointFailed(f"{self.endpoint.name} does not start; {self._log_file} says why")

    def _say_killed(self, server: asyncio.subprocess.Process | None = None) -> None:
        """A line for the person at the terminal, where what the server is held to has ended a process of it."""
        server = server or self._server
        killed = self._launched.killed_for_memory(server.pid) if self._launched and server else 0
        if killed > self._killed:
            self._killed = killed
            log.error("%s: its server was killed: it wanted more memory than it has in AWS", self.endpoint.name)


async def _ended(server: asyncio.subprocess.Process, launched: Launch) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(server.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        if launched.end:
            await (await asyncio.create_subprocess_exec(*launched.end)).wait()
        else:
            server.kill()
        await server.wait()


def _hash_of(archive: Path) -> str:
    """Of its content: an asset has it in its name."""
    named = re.fullmatch(r"asset\.([0-9a-f]{64})\..*", archive.name)
    if named:
        return named[1]
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_log(state: Path, name: str) -> IO[bytes]:
    """The log file `name` below `state`, to append to."""
    file = state / "logs" / f"{name}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("ab")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
