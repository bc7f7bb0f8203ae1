"""The model's process: loads it, and answers one job at a time on each of its threads.

The front starts it as `python -m model_server.worker FILE`, where FILE is the open socket between them. It logs to the
same stdout, and it ends when the front does.
"""

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from threading import Thread

from contract.media import ACCEPTS, JSON, JSON_LINES
from model_server import logs
from model_server.load import Load
from model_server.logs import fields, reason
from model_server.memory import suit_pictures
from model_server.messages import Channel

FAILED = 1
_PR_SET_PDEATHSIG = 1  # sys/prctl.h

log = logging.getLogger(__name__)


def main(control: Channel) -> int:
    """The exit code: 0 once the front is gone, 1 when the model cannot be served, as the log then says."""
    gc.disable()  # imports make little garbage and many objects; a twentieth of the cold start
    os.set_inheritable(control.fileno(), False)
    _leave_stopping_to_the_front()
    suit_pictures()
    logs.configure()

    from model_server.loading import load_predictor  # noqa: PLC0415
    from model_server.settings import SettingsError, read_settings  # noqa: PLC0415

    load = Load()
    try:
        settings = read_settings(os.environ)
        predictor = load_predictor(settings.model_dir, settings.engine, load.now)
    except SettingsError:
        return FAILED  # the front tells it
    except (Exception, SystemExit) as error:
        log.error("the model cannot be served", extra=fields(reason=reason(error)))  # noqa: TRY400 one clear line
        return FAILED

    from model_server.jobs import serve_jobs  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    spec = predictor.spec
    accepts = tuple(spec.input.accepts or ACCEPTS[spec.model.task])
    accepts = (*accepts, JSON_LINES) if JSON in accepts else accepts
    pairs = [socket.socketpair() for _ in range(settings.workers)]
    for ours, _ in pairs:
        Thread(target=serve_jobs, args=(Channel(ours, most_files=1), predictor, load), daemon=True).start()
    with suppress(EOFError, OSError):  # the front is gone, perhaps told to stop while the model was being loaded
        control.send((accepts,), [theirs.fileno() for _, theirs in pairs])
        for _, theirs in pairs:
            theirs.close()
        control.wait()
    return 0


def _leave_stopping_to_the_front() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _CONTROL = Channel(socket.socket(fileno=int(sys.argv[1])))
    os._exit(main(_CONTROL))  # at once, with the socket open to the end: the front takes its closing for a death
