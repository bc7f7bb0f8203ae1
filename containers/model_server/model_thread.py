"""The one thread on which a function's model computes, so that whoever waits for it can stop waiting."""

import logging
import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread

from model_server.jobs import CRASHED
from model_server.messages import Result

log = logging.getLogger(__name__)

_Job = Callable[[], Result]


class ModelThread:
    """Does one job at a time; one that it began cannot be stopped."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[_Job, SimpleQueue[Result]]] = SimpleQueue()
        self._free = Event()
        self._free.set()
        Thread(target=self._work, daemon=True).start()

    def is_free(self, within_s: float) -> bool:
        """Whether the job before has ended, or does in so many seconds."""
        return self._free.wait(within_s)

    def result(self, job: _Job, within_s: float) -> Result | None:
        """What comes of the job, or None when it takes longer."""
        done: SimpleQueue[Result] = SimpleQueue()
        self._free.clear()
        self._jobs.put((job, done))
        try:
            return done.get(timeout=max(0.0, within_s))
        except Empty:
            return None

    def _work(self) -> None:
        while True:
            job, done = self._jobs.get()
            try:
                result = job()
            except BaseException:
                log.exception("the model's process cannot go on")
                os._exit(CRASHED)
            self._free.set()
            done.put(result)
            del job, done, result
