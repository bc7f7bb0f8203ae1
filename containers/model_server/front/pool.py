"""The places of a server: who may come in, who waits for the model, and what happens when its process dies."""

import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from contract.errors import ApiError, ModelFailed, ModelNotReady, Overloaded
from model_server.front.process import ModelProcess
from model_server.logs import fields
from model_server.messages import Channel, Result

STUCK_AFTER_S = 5.0  # past the deadline: time in which a slow answer may still come
MOST_CRASHES = 3
CRASHES_WITHIN_S = 600.0
_TOLD_BY_ITSELF = "exit code 1"

log = logging.getLogger(__name__)


class Call(Protocol):
    """What wants an answer of the model."""

    deadline_s: float

    def hand_over(self, channel: Channel, at_work: int) -> None:
        """Sends the job. Raises OSError."""

    def done(self, outcome: Result | ApiError) -> None:
        """Takes what became of it."""


class Pool:
    """At most `max_in_flight` calls: inside the model's process, one for each of its threads, and waiting for it.

    A call takes its place when it is admitted and gives it back when it is done; one that is inside cannot be stopped,
    so that its place is free only when the thread is.
    """

    def __init__(
        self, max_in_flight: int, loop: AbstractEventLoop, process: ModelProcess, stop: Callable[[int], None]
    ) -> None:
        self._max_in_flight = max_in_flight
        self._loop = loop
        self._stop = stop
        self._taken = 0
        self._idle: list[Channel] = []
        self._inside: dict[Channel, Call] = {}
        self._waiting: deque[Call] = deque()
        self._abandoned: set[Call] = set()
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)
        self._accepts: tuple[str, ...] | None = None
        self.is_ready = False
        """Whether the model can answer now."""
        self._process = process
        loop.add_reader(process.control, self._started)

    def accepts(self) -> tuple[str, ...]:
        """The content types that the model takes. Raises ModelNotReady until it was ready once."""
        if self._accepts is None:
            raise ModelNotReady
        return self._accepts

    def admit(self) -> None:
        """Takes a place. Raises Overloaded when there is none."""
        if self._taken >= self._max_in_flight:
            raise Overloaded
        self._taken += 1

    def leave(self) -> None:
        """Gives back the place of a call that was never submitted."""
        self._taken -= 1

    def submit(self, call: Call) -> None:
        """Has the call answered, after those that wait already."""
        self._waiting.append(call)
        self._dispatch()

    def withdraw(self, call: Call) -> None:
        """Nobody waits for the call any more: it is not begun, or its result is thrown away."""
        if call in self._inside.values():
            self._abandoned.add(call)
        else:
            self._waiting.remove(call)
            self._taken -= 1

    def tick(self, now: float) -> None:
        """Replaces a process that has no thread left which could answer."""
        calls = self._inside.values()
        if calls and not self._idle and all(now > call.deadline_s + STUCK_AFTER_S for call in calls):
            self._lost("every thread is stuck")

    def close(self) -> None:
        """Ends the process."""
        self._release()
        self._process.stop()

    def _started(self) -> None:
        """The process says that it is ready, or is gone."""
        try:
            message = self._process.control.read()
        except (EOFError, OSError):
            self._lost()
            return
        if message is not None:
            (self._accepts,) = message
            self._idle = self._process.connect()
            for channel in self._idle:
                self._loop.add_reader(channel, self._answered, channel)
            self.is_ready = True
            self._dispatch()

    def _dispatch(self) -> None:
        while self._idle and self._waiting:
            call = self._waiting[0]
            try:
                call.hand_over(self._idle[-1], len(self._inside) + len(self._waiting))
            except OSError:
                self._lost()
                return
            self._waiting.popleft()
            self._inside[self._idle.pop()] = call

    def _answered(self, channel: Channel) -> None:
        """A thread has a result; it gets its next job before the result is looked at."""
        try:
            message = channel.read()
        except (EOFError, OSError):
            self._lost()
            return
        if message is not None:
            call = self._inside.pop(channel)
            self._idle.append(channel)
            self._dispatch()
            self._finish(call, Result(*message))

    def _finish(self, call: Call, outcome: Result | ApiError) -> None:
        self._taken -= 1
        if call in self._abandoned:
            self._abandoned.remove(call)
        else:
            call.done(outcome)

    def _release(self) -> None:
        self.is_ready = False
        for channel in self._process.channels:
            self._loop.remove_reader(channel)

    def _lost(self, why: str = "") -> None:
        """The process is dead or must be: what was inside fails, and another starts unless that would not help."""
        self._release()
        how = self._process.kill()
        self._empty()
        self._process.close()
        now = monotonic()
        self._crashes.append(now)
        if self._accepts is None:
            if how != _TOLD_BY_ITSELF:
                log.error("the model's process ended while it loaded the model", extra=fields(reason=how))
            self._stop(1)
        elif len(self._crashes) == MOST_CRASHES and now - self._crashes[0] < CRASHES_WITHIN_S:
            log.error("the model's process crashed three times within ten minutes", extra=fields(reason=why or how))
            self._stop(1)
            while self._waiting:
                self._finish(self._waiting.popleft(), ModelNotReady())
        else:
            log.error("the model's process ended; starting another", extra=fields(reason=why or how))
            self._process = ModelProcess()
            self._loop.add_reader(self._process.control, self._started)

    def _empty(self) -> None:
        """Gives each call that was inside the last word of the dead; one that it had not looked at yet waits again."""
        inside, self._inside, self._idle = self._inside, {}, []
        for channel, call in inside.items():
            outcome = _last_word(channel)
            if outcome is None and call not in self._abandoned:
                self._waiting.appendleft(call)
            else:
                self._finish(call, outcome or ModelFailed())


def _last_word(channel: Channel) -> Result | ApiError | None:
    """What a dead process has said or failed to say; None when it had not taken the job."""
    if not channel.is_unread:
        with suppress(EOFError, OSError):
            return Result(*channel.wait())
    return None if channel.is_unread else ModelFailed()
