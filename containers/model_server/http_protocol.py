"""HTTP as uvicorn speaks it, with the three things it leaves open: a deadline and a limit for a request's head, and
the usual envelope for what is not HTTP.
"""

import json
from asyncio import Transport
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contract.errors import BadHttpRequest

HEAD_DEADLINE_S = 10.0
HEAD_MAX_BYTES = 65_536  # the first line, the headers and a body's trailers; SageMaker's are a few hundred


class HttpProtocol(HttpToolsProtocol):
    """One connection. A client whose head is not whole in time is let go, so that slow ones cannot hoard places."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Starts the first head's time."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._head_timer: Any = self.loop.call_later(HEAD_DEADLINE_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops it."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Starts a later head's time."""
        super().on_message_begin()
        self._head_bytes = 0
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_DEADLINE_S, self._too_slow)

    def on_url(self, url: bytes) -> None:
        """Counts. The parser passes on what this raises as its own error."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts, and holds what came whole."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stops the head's time: from here on the request has a deadline of its own."""
        self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 its words are not ours
        """Refuses what is not HTTP, in the envelope, unless an answer is on its way already, and closes."""
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            identity = str(uuid4())
            body = json.dumps(BadHttpRequest().envelope(identity)).encode()
            head = (
                f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
                f"x-request-id: {identity}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_MAX_BYTES:
            raise ValueError("a head over the limit")

    def _too_slow(self) -> None:
        self._head_timer = None
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
