"""The life of the process: listen, load in the background, answer, stop when told.

Listening comes first, and loading runs beside the import of the HTTP stack: most of loading is C++ that
leaves the interpreter free, so the two together take little longer than one.
"""

import ctypes
import gc
import logging
import os
import signal
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

from contract.limits import MIB
from model_server.load import Load
from model_server.loading import load_predictor
from model_server.logs import fields, reason
from model_server.settings import Settings

if TYPE_CHECKING:
    from model_server.predictor import Predictor

GRACE_S = 25  # SageMaker sends SIGKILL 30 s after SIGTERM
KEEP_ALIVE_S = 75  # longer than a proxy keeps an idle connection, so that the proxy closes it and not we
ENGINE_FIRST_S = 0.3  # threads that import take turns; OpenVINO's turn comes first, TensorFlow's takes too long
FAILED = 1
_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BLOCK_BYTES = 4 * MIB

log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT (0) or until loading fails (1); the process's exit code."""
    _give_large_blocks_back()
    gc.disable()  # imports make little garbage and many objects; a twentieth of the cold start
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_at_once)
    try:
        listener = _listen(settings)
    except OSError as error:
        log.error("cannot listen; set SAGEMAKER_BIND_TO_PORT to a free port", extra=fields(reason=reason(error)))  # noqa: TRY400
        return FAILED
    imported, load = Event(), Load()
    loading = ThreadPoolExecutor(1, thread_name_prefix="loader").submit(_load, settings, imported, load)
    imported.wait(ENGINE_FIRST_S)

    import uvicorn  # noqa: PLC0415 beside the loading, see above

    from model_server.app import build_app  # noqa: PLC0415
    from model_server.service import Service  # noqa: PLC0415
    from model_server.workers import Workers  # noqa: PLC0415

    workers = Workers(settings.workers, settings.max_in_flight, load)
    server = uvicorn.Server(_config(build_app(Service(settings, workers, loading))))
    loading.add_done_callback(lambda loaded: _stop_when_failed(loaded, server))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    log.info("listening", extra=fields(host=settings.host, port=listener.getsockname()[1]))
    server.run(sockets=[listener])
    code = FAILED if loading.done() and loading.exception() else 0
    log.info("stopped", extra=fields(exit_code=code))
    if not workers.close() or not loading.done():
        os._exit(code)  # a thread that hangs must not outlive the grace period
    return code


def _give_large_blocks_back() -> None:
    """Makes glibc return the memory of a large picture when it is freed, instead of learning to keep such blocks."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent on macOS and musl
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def _load(settings: Settings, imported: Event, load: Load) -> "Predictor":
    predictor = load_predictor(settings.model_dir, settings.engine, imported, load.now)
    gc.freeze()
    gc.enable()
    return predictor


def _stop_when_failed(loaded: "Future[Predictor]", server: Any) -> None:
    error = loaded.exception()
    if error is not None:
        log.error("the model cannot be served", extra=fields(reason=reason(error)))
        server.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(2048)
    listener.set_inheritable(True)
    return listener


def _config(app: Any) -> Any:
    import uvicorn  # noqa: PLC0415

    from model_server.http_protocol import HttpProtocol  # noqa: PLC0415

    return uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def _stop_at_once(_number: int, _frame: FrameType | None) -> None:
    """Told to stop before there is anything to finish."""
    raise SystemExit(0)
