"""The local run as one value: builds it from an assembly, serves it on two sockets, and leaves nothing behind."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from images.assets import Image
from images.docker import build, is_built
from local.assembly import Assembly, Endpoint, LambdaEndpoint
from local.async_queue import LocalQueue
from local.async_runtime import AsyncRuntime
from local.bounds import Bounds, bounds_of
from local.callers import Callers
from local.control import Control
from local.endpoint import LocalEndpoint, open_log
from local.environment import interpreter
from local.function import LocalFunction
from local.gateway import Gateway
from local.lambda_endpoint import LocalLambdaEndpoint, laid_out
from local.lambda_runtime import LambdaRuntime
from local.launch import (
    HOST,
    Launch,
    as_container,
    as_process,
    function_process,
    model_function_container,
    model_function_process,
)
from local.page import Page
from local.s3 import LocalS3
from local.s3_front import S3Front
from local.sagemaker_runtime import SageMakerRuntime
from local.template import REGION

PROXY = "fovea-local-proxy"
KEYS = {"local": "local"}
"""The secret of the one who signs here, by its id."""


class Ports(NamedTuple):
    """Where the API, the services' runtimes and S3 listen."""

    gateway: int
    runtime: int
    s3: int


class LocalRun:
    """Gateway, function, endpoints and buckets of `assembly`; logs and unpacked models go below `state`.

    The endpoints are processes, or containers of their images with `docker`; with `emulate` each has what AWS would
    give it of memory and processors, as far as this machine can. Raises EnvironmentFailed when the packages of a
    container cannot be installed, DockerError when an image cannot be built.
    """

    def __init__(
        self,
        assembly: Assembly,
        page: Page,
        state: Path,
        ports: Ports,
        idle_s: float,
        *,
        docker: bool,
        emulate: bool = False,
    ) -> None:
        self.api = assembly.api()
        self.callers = Callers(state)
        launched, functions_of = (_container, _function_container) if docker else (_process, _function_process)
        entries, functions_there = assembly.endpoints(), assembly.lambda_endpoints()
        everything: list[Endpoint | LambdaEndpoint] = [*entries, *functions_there]
        self.bounds = {entry.name: _bounds(entry) for entry in everything} if emulate else {}
        self.endpoints = {
            entry.name: LocalEndpoint(entry, launched(entry, state, self.bounds.get(entry.name)), state, idle_s)
            for entry in entries
        }
        self.lambda_endpoints = {
            entry.name: LocalLambdaEndpoint(
                entry, functions_of(entry, state, self.bounds.get(entry.name)), state, idle_s
            )
            for entry in functions_there
        }
        environment = _environment(ports, state)
        self._log = open_log(state, "proxy")
        functions = {route.function.source: route.function for route in self.api.routes}
        self._functions = {
            source: LocalFunction(function_process(function, PROXY, environment), function.timeout_s, self._log)
            for source, function in functions.items()
        }
        self.s3 = LocalS3(assembly.buckets(), state)
        self._queues = {
            name: LocalQueue(endpoint, self.s3) for name, endpoint in self.endpoints.items() if endpoint.endpoint.jobs
        }
        runtimes = SageMakerRuntime(self.endpoints), AsyncRuntime(self._queues), LambdaRuntime(self.lambda_endpoints)
        proxies = {f"{PROXY}{at or ''}": function for at, function in enumerate(self._functions.values())}
        control = Control(
            {**self.endpoints, **self.lambda_endpoints, **proxies},
            {"gateway": lambda: [os.getpid()], "s3": lambda: self.s3.pids},
        )
        self.apps: dict[int, ASGIApp] = {
            ports.gateway: Gateway(self.api, self._functions, self.callers, page),
            ports.runtime: Starlette(routes=[route for each in (*runtimes, control) for route in each.routes]),
            ports.s3: S3Front(self.s3, KEYS),
        }

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """While entered, idle endpoints are stopped in time; on leaving, every process is."""
        endpoints: list[LocalEndpoint | LocalLambdaEndpoint] = [
            *self.endpoints.values(),
            *self.lambda_endpoints.values(),
        ]
        if self.s3.buckets:
            self.s3.start()
        for bounds in self.bounds.values():
            if bounds.groups:
                bounds.groups.remove_abandoned()
        watchers = [asyncio.create_task(endpoint.stop_when_idle()) for endpoint in endpoints]
        try:
            yield
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*(queue.close() for queue in self._queues.values()))
            await asyncio.gather(*(endpoint.close() for endpoint in endpoints))
            await asyncio.gather(*(function.stop() for function in self._functions.values()))
            await self.s3.close()
            self._log.close()


def _environment(ports: Ports, state: Path) -> dict[str, str]:
    """What the API's function finds, as it would in Lambda."""
    name, secret = next(iter(KEYS.items()))
    return {
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://{HOST}:{ports.runtime}",
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{HOST}:{ports.runtime}",
        "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{ports.s3}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": name,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPYCACHEPREFIX": str(state / "pycache"),
    }


def _bounds(entry: Endpoint | LambdaEndpoint) -> Bounds:
    if isinstance(entry, LambdaEndpoint):
        return bounds_of("lambda", entry.memory_mb, None)
    return bounds_of(entry.kind, entry.memory_mb, entry.instance_type)


def _process(endpoint: Endpoint, _state: Path, bounds: Bounds | None) -> Callable[[Path, int], Launch]:
    python = _python_of(endpoint.image)

    def launch(model_dir: Path, port: int) -> Launch:
        launched = as_process(endpoint, python, model_dir, port)
        return bounds.hold(launched) if bounds else launched

    return launch


def _container(endpoint: Endpoint, state: Path, bounds: Bounds | None) -> Callable[[Path, int], Launch]:
    tag = _built(endpoint.image.on_cpu(), state)
    return partial(as_container, endpoint, tag, bounds.vcpus if bounds else None)


def _function_process(endpoint: LambdaEndpoint, state: Path, bounds: Bounds | None) -> Launch:
    launched = model_function_process(endpoint, _python_of(endpoint.image), laid_out(endpoint.image, state))
    return bounds.hold(launched) if bounds else launched


def _function_container(endpoint: LambdaEndpoint, state: Path, _bounds: Bounds | None) -> Launch:
    """Which Lambda's own emulation holds to its memory and processors anyway."""
    return model_function_container(endpoint, _built(endpoint.image, state))


def _built(image: Image, state: Path) -> str:
    """The image's tag. Raises DockerError."""
    if not is_built(image.tag):
        print(f"Building the image of {image.container}{image.variant} (minutes, once) …", flush=True)
        build(image, [image.tag], state / "builds" / f"{image.container}{image.variant}.log")
    return image.tag


def _python_of(image: Image) -> Path:
    """Raises EnvironmentFailed."""
    own = image.own_requirements
    name = f"{image.container}-native" if image.accelerator == "native" else image.container
    name = name if own is None else f"{name}-{sha256(own.encode()).hexdigest()[:8]}"
    return interpreter(name, image.requirements)


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


async def serve(run: LocalRun, listeners: Sequence[socket.socket], on_ready: Callable[[], None]) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP; then ends every process that the run started."""

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        await run.apps[scope["server"][1]](scope, receive, send)

    config = uvicorn.Config(
        by_port, lifespan="off", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    async with run.alive():
        serving = asyncio.create_task(server.serve(sockets=list(listeners)))
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
