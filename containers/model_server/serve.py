"""The life of the front: listen, answer, watch over the model's process, stop when told."""

import asyncio
import gc
import logging
import resource
import signal
import socket
from time import monotonic

import uvloop

from contract.limits import MIB
from model_server.front.connection import Connection
from model_server.front.connections import MOST_CONNECTIONS, Connections
from model_server.front.pool import Pool
from model_server.front.process import ModelProcess
from model_server.front.routes import Routes
from model_server.logs import fields, reason
from model_server.memory import give_blocks_back
from model_server.settings import Settings

GRACE_S = 25.0  # SageMaker sends SIGKILL 30 s after SIGTERM
TICK_S = 0.1
FAILED = 1
_OTHER_FILES = 512  # bodies, channels and what Python has open

log = logging.getLogger(__name__)


def serve(settings: Settings, process: ModelProcess) -> int:
    """Serves until SIGTERM or SIGINT (0), or until the model fails for good (1); the process's exit code."""
    try:
        listener = _listen(settings)
    except OSError as error:
        log.error("cannot listen; set SAGEMAKER_BIND_TO_PORT to a free port", extra=fields(reason=reason(error)))  # noqa: TRY400
        return FAILED
    give_blocks_back(MIB, MIB)
    _allow_open_files()
    log.info("listening", extra=fields(host=settings.host, port=listener.getsockname()[1]))
    gc.freeze()
    code = uvloop.run(Front(settings, process).run(listener))
    log.info("stopped", extra=fields(exit_code=code))
    return code


class Front:
    """The state of the process while it runs."""

    def __init__(self, settings: Settings, process: ModelProcess) -> None:
        self._settings, self._process = settings, process
        self._connections = Connections()
        self._told: asyncio.Future[int]

    async def run(self, listener: socket.socket) -> int:
        """Answers until told to stop, and then those that are in flight."""
        loop = asyncio.get_running_loop()
        self._told = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, 0)
        pool = Pool(self._settings.max_in_flight, loop, self._process, self._stop)
        routes = Routes(self._settings, pool)
        server = await loop.create_server(lambda: Connection(routes, self._connections), sock=listener, backlog=2048)
        ticking = asyncio.create_task(self._tick(pool))
        try:
            code = await self._told
            server.close()
            await self._drain()
        finally:
            ticking.cancel()
            pool.close()
        return code

    def _stop(self, code: int) -> None:
        if not self._told.done():
            self._told.set_result(code)

    async def _drain(self) -> None:
        give_up = monotonic() + GRACE_S
        self._connections.let_go()
        while self._connections.count() and monotonic() < give_up:
            await asyncio.sleep(0.01)
        self._connections.abort()

    async def _tick(self, pool: Pool) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = monotonic()
            self._connections.tick(now)
            pool.tick(now)


def _allow_open_files() -> None:
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(2048)
    return listener
