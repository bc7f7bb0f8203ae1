"""The local run as one value: builds it from an assembly, serves it on two sockets, and leaves nothing behind."""

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from local.assembly import Assembly, Image
from local.endpoint import LocalEndpoint, open_log
from local.environment import interpreter
from local.function import LocalFunction
from local.gateway import Gateway
from local.sagemaker_runtime import SageMakerRuntime

HOST = "127.0.0.1"
REGION = "us-east-1"


class LocalRun:
    """Gateway, function and endpoints of `assembly`; logs and unpacked models go below `state`.

    Raises EnvironmentFailed when the packages of a container cannot be installed.
    """

    def __init__(self, assembly: Assembly, state: Path, runtime_port: int, idle_s: float) -> None:
        self.api = assembly.api()
        self.key = local_key(state)
        self.endpoints = {
            entry.name: LocalEndpoint(entry, _python_of(entry.image), state, idle_s) for entry in assembly.endpoints()
        }
        environment = {
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://{HOST}:{runtime_port}",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPYCACHEPREFIX": str(state / "pycache"),
        }
        self._log = open_log(state, "proxy")
        functions = {route.function.source: route.function for route in self.api.routes}
        self._functions = {
            source: LocalFunction(function, environment, self._log) for source, function in functions.items()
        }
        self.gateway = Gateway(self.api, self._functions, self.key)
        self.runtime = SageMakerRuntime(self.endpoints)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """While entered, idle endpoints are stopped in time; on leaving, every process is."""
        watchers = [asyncio.create_task(endpoint.stop_when_idle()) for endpoint in self.endpoints.values()]
        try:
            yield
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*(endpoint.close() for endpoint in self.endpoints.values()))
            await asyncio.gather(*(function.close() for function in self._functions.values()))
            self._log.close()


def _python_of(image: Image) -> Path:
    """Raises EnvironmentFailed."""
    own = image.own_requirements
    name = f"{image.container}-native" if image.accelerator == "native" else image.container
    name = name if own is None else f"{name}-{sha256(own.encode()).hexdigest()[:8]}"
    return interpreter(name, image.requirements)


def local_key(state: Path) -> str:
    """The API key of the local run, made once and kept, so that a shell's $KEY stays good."""
    file = state / "api-key"
    if not file.exists():
        state.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"local-{secrets.token_urlsafe(24)}")
    return file.read_text().strip()


def listen(port: int) -> socket.socket:
    """A listening socket on this machine alone; port 0 takes a free one. Raises OSError when it is busy."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, answers wait 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def port_of(listener: socket.socket) -> int:
    """The port that `listener` is bound to."""
    port: int = listener.getsockname()[1]
    return port


async def serve(run: LocalRun, gateway: socket.socket, runtime: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP; then ends every process that the run started."""
    apps: dict[int, ASGIApp] = {port_of(gateway): run.gateway, port_of(runtime): run.runtime.app}

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[scope["server"][1]](scope, receive, send)

    config = uvicorn.Config(
        by_port, lifespan="off", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    async with run.alive():
        serving = asyncio.create_task(server.serve(sockets=[gateway, runtime]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        on_ready()
        await serving


class _Server(uvicorn.Server):
    """Ends on SIGHUP as well, and does not raise the signal again: a stopped local run is no failure."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        await self._serve(sockets)
