"""One POST to /invocations: checked as soon as its head is there, read, handed to the model, answered, logged."""

from time import monotonic, perf_counter

from contract.errors import ApiError, EmptyBody, ModelTimeout, Overloaded, PayloadTooLarge, relayed
from contract.media import media_type
from contract.options import Options
from model_server import report
from model_server.front.body import Body
from model_server.front.exchange import Exchange
from model_server.front.pool import Pool
from model_server.messages import OK, Channel, Job, Result
from model_server.settings import Settings

_READING, _SUBMITTED, _ENDED = range(3)


class Invocation:
    """A request between its head and its answer. It holds a place from the first to the last."""

    def __init__(self, exchange: Exchange, pool: Pool, settings: Settings) -> None:
        self.deadline_s = monotonic() + settings.timeout_s
        self._started = perf_counter()
        self._exchange, self._pool = exchange, pool
        self._body = Body(settings.max_body_bytes)
        self._media_type: str | None = None
        self._options = Options()
        self._spent_ms = (0.0, 0.0, 0.0)
        self._state = _ENDED

    def begin(self) -> None:
        """Refuses what the head gives reason to refuse; otherwise the exchange is pending."""
        try:
            self._check()
        except ApiError as error:
            self._refuse(error)
        else:
            self._exchange.pending = self
            self._exchange.proceed()

    def _check(self) -> None:
        accepts = self._pool.accepts()
        self._pool.admit()
        self._state = _READING
        headers = self._exchange.headers
        self._media_type = media_type(headers.get("content-type"), headers.get("content-encoding"), accepts)
        self._options = Options.read(self._exchange.asked)
        if int(headers.get("content-length", "0")) > self._body.max_bytes:
            raise PayloadTooLarge(max_body_bytes=self._body.max_bytes)

    def feed(self, piece: bytes) -> None:
        """Takes a piece of the body, and throws it away once the request is answered."""
        if self._state != _READING:
            return
        try:
            if self._body.size + len(piece) > self._body.max_bytes:
                raise PayloadTooLarge(max_body_bytes=self._body.max_bytes)
            self._body.write(piece)
        except ApiError as error:
            self._refuse(error)
        except (OSError, MemoryError):
            self._refuse(Overloaded())

    def room(self, count: int) -> memoryview | None:
        """Where the last `count` bytes of the body may be received; None when they are not wanted any more."""
        if self._state != _READING:
            return None
        try:
            return self._body.room(count)
        except (OSError, MemoryError):
            self._refuse(Overloaded())
            return None

    def filled(self, count: int) -> None:
        """So many have been."""
        if self._state == _READING:
            self._body.filled(count)

    def complete(self) -> None:
        """The body is whole."""
        if self._state != _READING:
            return
        if not self._body.size:
            self._refuse(EmptyBody())
            return
        self._state = _SUBMITTED
        self._pool.submit(self)

    def hand_over(self, channel: Channel, at_work: int) -> None:
        """Sends the job. Raises OSError."""
        body, files = self._body.contents()
        options, accept = self._options, self._exchange.headers.get("accept", "")
        job = Job(
            self._exchange.request_id,
            self._media_type or "",
            accept,
            options.top_k,
            options.threshold,
            self.deadline_s,
            at_work,
            body,
        )
        channel.send(tuple(job), files)

    def done(self, outcome: Result | ApiError) -> None:
        """Answers with what the model's process made of it."""
        self._state = _ENDED
        self._body.close(is_read=isinstance(outcome, Result))
        if isinstance(outcome, ApiError):
            self._answer_with(outcome)
            return
        self._spent_ms = outcome.decode_ms, outcome.inference_ms, outcome.encode_ms
        if outcome.code != OK:
            self._answer_with(relayed(outcome.code, outcome.content.decode()))
            return
        self._log(200, OK)
        self._exchange.respond(outcome.content, outcome.content_type, more=report.timings(self._spent_ms))

    def tick(self, now: float) -> None:
        """Gives up when the deadline has passed; a client that has not sent its body by then is let go."""
        if self._state != _ENDED and now > self.deadline_s:
            self._exchange.closes = self._exchange.closes or self._state == _READING
            self._refuse(ModelTimeout())

    def broken(self, error: ApiError) -> None:
        """The body cannot be read to its end."""
        if self._state == _READING:
            self._refuse(error)

    def gone(self) -> None:
        """The client has left."""
        if self._state != _ENDED:
            self._leave()
            self._log(499, "CLIENT_DISCONNECTED")

    def _refuse(self, error: ApiError) -> None:
        self._leave()
        self._answer_with(error)

    def _answer_with(self, error: ApiError) -> None:
        self._log(error.status, error.code())
        self._exchange.refuse(error, report.timings(self._spent_ms))

    def _leave(self) -> None:
        state, self._state = self._state, _ENDED
        if state == _READING:
            self._pool.leave()
        elif state == _SUBMITTED:
            self._pool.withdraw(self)
        self._body.close(is_read=state == _READING)

    def _log(self, status: int, code: str) -> None:
        report.write_line(
            self._exchange.request_id,
            status=status,
            code=code,
            media_type=self._media_type,
            size=self._body.size,
            spent_ms=self._spent_ms,
            started=self._started,
        )
