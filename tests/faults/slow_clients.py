"""Clients on plain sockets that are slow, silent, or gone before they are answered."""

import re
import resource
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.containers.server_process import Server
from tests.faults.failing_scripts import PNG

GRACE_S = 25.0  # within which all in flight are answered after SIGTERM
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Ended:
    """What a slow client was told before the server closed the connection, and after how long it did."""

    answer: bytes
    seconds: float

    @property
    def status(self) -> int | None:
        """None when it was closed without a word."""
        return int(self.answer.split(b" ", 2)[1]) if self.answer else None


def head(length: int, content_type: str = PNG, path: str = "/invocations") -> bytes:
    """The head of a request that announces a body of `length` bytes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def asking(body: bytes, content_type: str = PNG) -> bytes:
    """A whole request."""
    return head(len(body), content_type) + body


PING = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"


def connected(server: Server, receive_buffer: int | None = None) -> socket.socket:
    """A connection to `server`; with a small `receive_buffer` the kernel takes little that is not read."""
    client = socket.socket()
    if receive_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(_PATIENCE_S)
    client.connect(("127.0.0.1", server.http.base_url.port))
    return client


def read_answer(client: socket.socket, answer: bytes = b"") -> bytes:
    """One whole answer, its head included, of which `answer` has been read already."""
    while b"\r\n\r\n" not in answer:
        piece = client.recv(65536)
        assert piece, answer
        answer += piece
    length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
    whole = answer.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(answer) < whole:
        answer += client.recv(65536)
    return answer


def trickled(server: Server, data: bytes, at_once: bytes = b"", pause_s: float = 1.0) -> Ended:
    """Sends `at_once`, then `data` byte by byte with a pause between, until the server has had enough."""
    with connected(server) as client:
        started = time.monotonic()
        client.sendall(at_once)
        client.settimeout(pause_s)
        for byte in data:
            try:
                client.sendall(bytes([byte]))
                answer = client.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return Ended(b"", time.monotonic() - started)
            return Ended(answer and read_answer(client, answer), time.monotonic() - started)
    raise AssertionError(f"the server took all {len(data)} bytes")


def silent(server: Server) -> Ended:
    """Connects and says nothing until the server closes."""
    with connected(server) as client:
        started = time.monotonic()
        return Ended(client.recv(65536), time.monotonic() - started)


def sip(clients: Sequence[socket.socket], count: int = 100) -> None:
    """Reads a few bytes of the answer that each client is sent, or finds that it was cut off."""
    for client in clients:
        with suppress(OSError):
            client.recv(count)


def files(pid: int) -> int:
    """How many files, sockets among them, the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Whether `holds()` comes true in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def open_files(limit: int) -> Iterator[None]:
    """This process and those it starts may have `limit` files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
