"""The model's process as the front sees it: started first of all, reached through sockets, ended by SIGKILL.

Nothing here imports more than a bare Python has loaded, because the front starts it before its own imports.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from time import monotonic, sleep

from model_server.messages import MOST_WORKERS, Channel

ENDS_WITHIN_S = 1.0  # when it is idle; what hangs is killed


class ModelProcess:
    """A running `python -m model_server.worker`."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        command = [sys.executable, "-m", "model_server.worker", str(theirs.fileno())]
        self._pid: int | None = os.posix_spawn(sys.executable, command, os.environ)
        self._end = ""
        theirs.close()
        ours.setblocking(False)
        self.control = Channel(ours, MOST_WORKERS)
        self.channels = [self.control]
        """All that are open: the one over which it tells that it is ready, then one for each of its threads."""

    def connect(self) -> list[Channel]:
        """The channels to its threads, which came with the message that it is ready."""
        threads = []
        for file in self.control.files:
            end = socket.socket(fileno=file)
            end.setblocking(False)
            threads.append(Channel(end))
        self.channels += threads
        return threads

    def kill(self) -> str:
        """Ends it if it still lives; how it ended, in words. What it has sent can still be read."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._reap(0)
        return self._end

    def stop(self) -> None:
        """Lets it end by itself, and kills it if it does not."""
        self.close()
        give_up = monotonic() + ENDS_WITHIN_S
        while self._pid is not None and monotonic() < give_up:
            self._reap(os.WNOHANG)
            sleep(0.005)
        self.kill()

    def close(self) -> None:
        """Lets go of the channels, whereupon a sound process ends."""
        for channel in self.channels:
            channel.close()
        self.channels = []

    def _reap(self, options: int) -> None:
        assert self._pid is not None  # noqa: S101
        pid, status = os.waitpid(self._pid, options)
        if pid:
            self._pid = None
            code = os.waitstatus_to_exitcode(status)
            self._end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
