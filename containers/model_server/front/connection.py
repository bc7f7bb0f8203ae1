"""HTTP/1.1 on one connection: httptools parses, this decides what is waited for and how long."""

import logging
from asyncio import BaseTransport, BufferedProtocol, Transport
from collections import deque
from time import monotonic
from typing import Any, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidURLError,
    HttpParserUpgrade,
    HttpRequestParser,
    parse_url,
)

from contract.errors import ApiError, BadHttpRequest, InternalError
from model_server.front.connections import Connections
from model_server.front.exchange import READ, Exchange
from model_server.front.routes import Routes
from model_server.messages import INLINE_BYTES

HEAD_DEADLINE_S = 10.0  # for the first line and the headers, for the rest of a refused body, for taking an answer
HEAD_MAX_BYTES = 65_536  # the first line, the headers and a body's trailers; SageMaker's are a few hundred
KEEP_ALIVE_S = 75.0  # longer than a proxy keeps an idle connection, so that the proxy closes it and not we
LINGER_S = 2.0  # so that a client reads why its body is refused before the connection is closed under it
_MOST_PIPELINED = 32
_SCRATCH = memoryview(bytearray(262_144))  # one for all: what is received is parsed before anything else is

log = logging.getLogger(__name__)


class Connection(BufferedProtocol):
    """One client. Its requests may overlap; they are answered in their order."""

    def __init__(self, routes: Routes, connections: Connections) -> None:
        self._routes, self._connections = routes, connections
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # no frame of Python for each of a million chunks
        self._parser: Any = HttpRequestParser(self)
        self._exchanges: deque[Exchange] = deque()
        self._reading: Exchange | None = None
        self._transport: Transport = cast("Transport", None)
        self._head_bytes = 0
        self._url = b""
        self._headers: dict[str, str] = {}
        self._in_head = True  # of a request, or waiting for the first one
        self._announced = 0  # bytes of the body that the parser waits for
        self._left = 0  # bytes of the body that come past the parser
        self._is_stalled = self._is_broken = self._lingers = False
        self._since = monotonic()
        """When the connection began to wait for what it waits for now."""

    def connection_made(self, transport: BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """It is gone, and nobody waits for what it asked."""
        self._connections.remove(self)
        for exchange in self._exchanges:
            pending, exchange.pending = exchange.pending, None
            if pending is not None:
                pending.gone()
        self._exchanges.clear()
        self._reading = self._parser = None  # which knows us, and would keep both alive

    def get_buffer(self, _size: int) -> memoryview:
        """Where to receive: what is left of a large body where it will be read, all else where it is parsed."""
        if self._left and self._reading is not None and self._reading.pending is not None:
            room = self._reading.pending.room(self._left)
            if room is not None:
                return room
        return _SCRATCH[: self._left] if self._left else _SCRATCH

    def buffer_updated(self, count: int) -> None:
        """Reads on."""
        if not self._left:
            self._parse(_SCRATCH[:count])
            return
        self._left -= count
        if self._reading is not None and self._reading.pending is not None:
            self._reading.pending.filled(count)
        if not self._left:
            self._parser = HttpRequestParser(self)
            self.on_message_complete()

    def _parse(self, data: memoryview) -> None:
        if self._is_broken:
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:  # an offer, which RFC 9110, 7.8, lets us ignore
            self._parser = HttpRequestParser(self)
            rest = data[upgrade.args[0] :]
            if rest:
                self._parse(rest)
        except HttpParserError as error:
            self._take_pieces()
            self._refuse(BadHttpRequest() if _is_nonsense(error) else InternalError())
        else:
            self._take_pieces()
            self._left = self._announced if self._announced > INLINE_BYTES and self._reading is not None else 0

    def pause_writing(self) -> None:
        """It does not take its answer as fast as we give it."""
        self._is_stalled, self._since = True, monotonic()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        self._is_stalled, self._since = False, monotonic()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._head_bytes, self._url, self._headers = 0, b"", {}
        self._in_head, self._since = True, monotonic()

    def on_url(self, url: bytes) -> None:
        """A piece of the target. The parser passes on what this raises as its own error."""
        self._count(len(url))
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer of a chunked body."""
        self._count(len(name) + len(value))
        name = name.lower()
        if name in READ and self._in_head:
            key, text = name.decode(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is whole: the request is refused, or its body is waited for."""
        self._in_head = False
        if self._transport.is_closing() or self._lingers:
            return
        path = self._url if self._url in self._routes.paths else parse_url(self._url).path or b""
        closes = self._connections.closing or not self._parser.should_keep_alive()
        method = self._parser.get_method().decode()
        self._reading = exchange = Exchange(self, method, path.decode("latin-1"), self._headers, closes=closes)
        self._exchanges.append(exchange)
        self._connections.is_busy(self)
        if len(self._exchanges) > _MOST_PIPELINED:
            self._transport.pause_reading()
        self._announced = int(self._headers.get("content-length", "0"))
        self._routes.begin(exchange)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._take_pieces()
        self._announced = 0
        reading, self._reading = self._reading, None
        self._since = monotonic()
        if reading is not None and reading.pending is not None:
            reading.pending.complete()
        self._rest()

    def proceed(self) -> None:
        """`100 Continue`, when no earlier answer has to come first."""
        if len(self._exchanges) == 1:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def flush(self) -> None:
        """Sends every answer whose turn it is."""
        while self._exchanges and (answer := self._exchanges[0].answer) is not None:
            exchange = self._exchanges.popleft()
            exchange.pending = None  # each knows the other: a circle that would keep body and answer alive
            self._since = monotonic()
            self._transport.write(answer)
            self._lingers = self._lingers or exchange.closes
        if len(self._exchanges) <= _MOST_PIPELINED and not self._transport.is_reading():
            self._transport.resume_reading()
        self._rest()

    def tick(self, now: float) -> None:
        """Gives up what has taken too long."""
        for exchange in list(self._exchanges):
            if exchange.pending is not None:
                exchange.pending.tick(now)
        if self._exchanges and not self._is_stalled:
            return
        if now > self._since + self._patience_s():
            self._transport.abort()

    def let_go(self) -> None:
        """Closes as soon as what was asked is answered; at once when nothing was."""
        for exchange in self._exchanges:
            exchange.closes = True
        if not self._exchanges:
            self._transport.close()

    def abort(self) -> None:
        """Closes now."""
        self._transport.abort()

    def _patience_s(self) -> float:
        if self._is_stalled or self._transport.is_closing():
            return HEAD_DEADLINE_S
        if self._lingers:
            return LINGER_S
        return HEAD_DEADLINE_S if self._in_head or self._reading is not None else KEEP_ALIVE_S

    def _take_pieces(self) -> None:
        """Hands on what has come of the body."""
        if self._pieces:
            body = b"".join(self._pieces)
            self._pieces.clear()
            self._announced -= len(body)
            if self._reading is not None and self._reading.pending is not None:
                self._reading.pending.feed(body)

    def _rest(self) -> None:
        """Nothing is being asked or answered: closes if the last answer said so."""
        if self._exchanges or (self._reading is not None and not self._is_broken):
            return
        if self._lingers:
            self._transport.close()
        else:
            self._connections.is_idle(self)

    def _refuse(self, error: ApiError) -> None:
        """Nothing more can be read: says why, unless an answer is on its way already, and closes."""
        self._is_broken = True
        reading = self._reading
        if reading is None:
            reading = Exchange(self, "", "", {}, closes=True)
            self._exchanges.append(reading)
        reading.closes = self._lingers = True
        if reading.pending is not None:
            reading.pending.broken(error)
        reading.refuse(error)
        self._rest()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_MAX_BYTES:
            raise _HeadTooLarge


class _HeadTooLarge(Exception):
    """The parser stops for it."""


def _is_nonsense(error: HttpParserError) -> bool:
    """Whether the client's bytes are at fault, and not what our callbacks did with them."""
    if not isinstance(error, HttpParserCallbackError) or isinstance(
        error.__context__, _HeadTooLarge | HttpParserInvalidURLError
    ):
        return True
    log.error("defect", exc_info=error.__context__)
    return False
