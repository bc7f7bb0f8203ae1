"""One request and its answer, as bytes of HTTP/1.1."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from time import gmtime, strftime, time
from typing import Protocol

from contract.errors import ApiError
from contract.media import JSON
from contract.options import attributes
from model_server.report import ATTRIBUTES, ID_HEADERS, REQUEST_ID, request_id

READ = frozenset(
    name.encode()
    for name in (
        *("accept", "content-encoding", "content-length", "content-type", "expect"),
        *(ATTRIBUTES, *ID_HEADERS),
    )
)
"""The headers that are looked at; no other is kept."""
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Connection(Protocol):
    """Where answers go."""

    def flush(self) -> None:
        """Sends every answer whose turn it is."""

    def proceed(self) -> None:
        """Tells a client that waits for it to send the body."""


class Pending(Protocol):
    """What an answer is waited for from."""

    def feed(self, piece: bytes) -> None:
        """Takes a piece of the body."""

    def room(self, count: int) -> memoryview | None:
        """Where the last `count` bytes of the body may be received; None when they are not wanted any more."""

    def filled(self, count: int) -> None:
        """So many have been."""

    def complete(self) -> None:
        """The body is whole."""

    def broken(self, error: ApiError) -> None:
        """The body cannot be read to its end."""

    def gone(self) -> None:
        """The client has left."""

    def tick(self, now: float) -> None:
        """Gives up when it has taken too long."""


class Exchange:
    """A request's head, and the answer once there is one; until then it may be `pending`."""

    __slots__ = ("_connection", "answer", "asked", "closes", "headers", "method", "path", "pending", "request_id")

    def __init__(
        self, connection: Connection, method: str, path: str, headers: Mapping[str, str], *, closes: bool
    ) -> None:
        self._connection = connection
        self.method, self.path, self.headers = method, path, headers
        self.closes = closes
        self.asked = attributes(headers.get(ATTRIBUTES, ""))
        self.request_id = request_id(self.asked, headers)
        self.answer: bytes | None = None
        self.pending: Pending | None = None

    def respond(
        self, content: bytes, content_type: str = JSON, status: int = 200, more: Mapping[str, str] | None = None
    ) -> None:
        """Answers, unless it has been; `more` are headers."""
        if self.answer is not None:
            return
        lines = [_STATUS[status], "date: ", _date(), "\r\ncontent-length: ", str(len(content)), "\r\n"]
        if content:
            lines += ("content-type: ", content_type, "\r\n")
        for name, value in (more or {}).items():
            lines += (name, ": ", value, "\r\n")
        lines += (REQUEST_ID, ": ", self.request_id, "\r\n")
        lines.append("connection: close\r\n\r\n" if self.closes else "\r\n")
        head = "".join(lines).encode("latin-1")
        self.answer = head if self.method == "HEAD" else head + content
        self._connection.flush()

    def refuse(self, error: ApiError, more: Mapping[str, str] | None = None) -> None:
        """Answers with `error`."""
        if error.retry_after_s is not None:
            more = {"retry-after": str(error.retry_after_s)} | dict(more or {})
        self.respond(json.dumps(error.envelope(self.request_id)).encode(), JSON, error.status, more)

    def proceed(self) -> None:
        """Lets a client that asked whether it should send its body do so."""
        if self.headers.get("expect", "").lower() == "100-continue":
            self._connection.proceed()


_dates: dict[int, str] = {}


def _date() -> str:
    """Now, as RFC 9110, 5.6.7, has it."""
    now = int(time())
    if now not in _dates:
        _dates.clear()
        _dates[now] = strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(now))
    return _dates[now]
