"""Requests that no well-behaved client sends, byte by byte, and what they may cost the server."""

import json
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from contract.errors import TABLE
from tests.containers.pictures import RED, encoded, solid
from tests.containers.server_process import Reply, Server

MIB = 1024 * 1024
GOOD = encoded(solid(RED), "JPEG")
DEADLINE_S = 24 + 2  # MODEL_SERVER_TIMEOUT, and what a busy machine adds
QUICK_S = 5.0  # an answer to a good request takes 5 ms; a busy machine may take very many times that
CLOSES_S = 8.0  # within which a connection is closed over which nonsense came
REFUSALS = {400, 404, 405, 413, 415, 422}
_SETTLE_S = 3.0  # what an answered request held is freed soon after its answer, not before it
_PATIENCE_S = 60.0

INSIDE = re.compile(
    r"Traceback|site-packages|\.py\b|\bPIL\b|Pillow|openvino|httptools|[A-Z]\w+(Error|Exception|Warning)\b|\bline \d"
    r"|/(work|tmp|usr|opt|home|root|proc|var|etc|dev)\b|arn:aws|0x[0-9a-f]{6,}|\b\d{1,3}(\.\d{1,3}){3}\b",
)
"""What no body may hold: a path, an address, an ARN, the name of a library or of an exception."""


@dataclass(frozen=True)
class Answer:
    """One whole response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The error's code, after checking that the envelope is whole."""
        if self.status == 200:
            return None
        assert self.headers["content-type"] == "application/json"
        error = json.loads(self.body)["error"]
        assert sorted(error) == ["code", "message", "request_id"]
        assert error["request_id"] == self.headers["x-request-id"]
        return error["code"]


class Connection:
    """One connection, on which bytes go out just as they are."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.http.base_url.port), timeout=_PATIENCE_S)
        self._received = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that still sends
        self._socket.close()

    def send(self, pieces: Iterable[bytes]) -> None:
        """Until all is sent or nobody takes it any more."""
        with suppress(OSError):
            for piece in pieces:
                self._socket.sendall(piece)

    def says_no_more(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def answer(self, patience_s: float = _PATIENCE_S) -> Answer | None:
        """The next final response, or None when the server closed without one. Raises TimeoutError."""
        self._socket.settimeout(patience_s)
        while b"\r\n\r\n" not in self._received:
            if not self._receive():
                assert not self._received, bytes(self._received)
                return None
        first, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        start, *lines = first.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert re.match(r"HTTP/1\.[01] \d{3} ", start), start
        status = int(start.split(" ", 2)[1])
        length = int(headers.get("content-length", "0"))
        while len(rest) < length and self._receive():
            rest = bytes(self._received).partition(b"\r\n\r\n")[2]
        assert len(rest) >= length, "the body ends before its length"
        self._received = bytearray(rest[length:])
        return self.answer(patience_s) if status < 200 else Answer(status, headers, rest[:length])

    def is_closed(self, within_s: float = 5.0) -> bool:
        """Whether the server ends the connection and says nothing more before it does."""
        self._socket.settimeout(within_s)
        try:
            return not self._receive() and not self._received
        except TimeoutError:
            return False

    def _receive(self) -> bool:
        try:
            received = self._socket.recv(65536)
        except ConnectionError:
            return False
        self._received += received
        return bool(received)


def head(*lines: str | bytes, start: str | bytes = "POST /invocations HTTP/1.1") -> bytes:
    """A request's first line, its Host, and `lines`."""
    texts = [line.encode("latin-1") if isinstance(line, str) else line for line in (start, "Host: x", *lines)]
    return b"\r\n".join(texts) + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def ask(server: Server, *pieces: bytes) -> Answer:
    """The first answer to these bytes; one that comes before all are sent counts too."""
    with ThreadPoolExecutor(1) as sender, Connection(server) as connection:
        sender.submit(connection.send, pieces)
        answer = connection.answer()
    assert answer is not None, "closed without an answer"
    return answer


def ask_until_closed(server: Server, *pieces: bytes) -> list[Answer]:
    """All answers to these bytes, at the end of which the server closes the connection. Raises TimeoutError."""
    with ThreadPoolExecutor(1) as sender, Connection(server) as connection:
        sender.submit(connection.send, pieces)
        return list(iter(lambda: connection.answer(CLOSES_S), None))


def outcome(answer: Answer | Reply) -> tuple[int, str | None]:
    """Its status and its error's code."""
    return answer.status, answer.code


def is_documented(answer: Answer) -> None:
    """200, or a refusal out of the table in its envelope; and not a word about the inside."""
    text = answer.body.decode()
    assert not INSIDE.search(text), text
    if answer.status != 200:
        assert answer.status in REFUSALS, (answer.status, text)
        assert TABLE[answer.code].status == answer.status


def slowest_good_s(server: Server, count: int = 10) -> float:
    """The longest that a good request waited for its answer."""
    return max(_good_s(server) for _ in range(count))


def _good_s(server: Server) -> float:
    started = time.monotonic()
    with Connection(server) as connection:
        connection.send([head("Content-Type: image/jpeg", f"Content-Length: {len(GOOD)}"), GOOD])
        answer = connection.answer()
    assert answer is not None
    assert answer.status == 200
    return time.monotonic() - started


@contextmanager
def unharmed(server: Server, most_bytes: int) -> Iterator[None]:
    """A good request is answered before and after, and memory grows by less than `most_bytes`."""
    assert server.predict(GOOD).status == 200
    with memory_grows_less_than(server, most_bytes):
        yield
        assert server.predict(GOOD).status == 200


@contextmanager
def memory_grows_less_than(server: Server, most_bytes: int) -> Iterator[None]:
    """For what stays: front and worker together, once what was answered has been freed."""
    before = server.memory_bytes()
    yield
    deadline = time.monotonic() + _SETTLE_S
    while (grown := server.memory_bytes() - before) >= most_bytes and time.monotonic() < deadline:
        time.sleep(0.1)
    assert grown < most_bytes, f"{grown / MIB:.1f} MiB more than before"


@contextmanager
def peak_memory_below(server: Server, most_bytes: int) -> Iterator[None]:
    """For what is held meanwhile: the peaks of front and worker, over what they held before."""
    server.forget_peak()
    before = server.peak_rss_bytes()
    yield
    grown = server.peak_rss_bytes() - before
    assert grown < most_bytes, f"{grown / MIB:.1f} MiB at the peak"
