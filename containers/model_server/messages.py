"""What the two processes say to each other: marshalled plain values behind their length, over a pair of sockets.

A channel has one job or one result under way at a time, so that two messages never meet in one read. A large body does
not go through the socket: it waits in a file in memory, and the open file is handed over.
"""

import marshal
import socket
from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple

INLINE_BYTES = 65_536
MOST_WORKERS = 128  # each has a channel of its own, and a message hands over at most 253
SOCKET_BYTES = 262_144  # so that a job with an inline body never waits for room
_LENGTH = Struct("!I")


class Job(NamedTuple):
    """One request for the model; `body` is its size when it comes as a file. `at_work` counts all that ask now."""

    request_id: str
    media_type: str
    accept: str
    top_k: int | None
    threshold: float | None
    deadline_s: float
    at_work: int
    body: bytes | int


class Result(NamedTuple):
    """What became of a job: `content` with its type when `code` is OK, else the message of the error."""

    code: str
    content: bytes
    content_type: str
    decode_ms: float
    inference_ms: float
    encode_ms: float


OK = "OK"


class Channel:
    """One end of a pair of sockets; `most_files` open files may come in with a message."""

    def __init__(self, end: socket.socket, most_files: int = 0) -> None:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        self._socket = end
        self._most_files = most_files
        self._received = bytearray()
        self.files: list[int] = []
        """The open files that came with the last message; who reads it closes them."""
        self.is_unread = False
        """Whether the other end was closed before it took the last message; only Linux tells."""

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def send(self, message: tuple[Any, ...], files: Sequence[int] = ()) -> None:
        """Sends it whole. Raises OSError when nobody is there, or when a socket that must not wait would."""
        data = marshal.dumps(message)
        data = _LENGTH.pack(len(data)) + data
        sent = socket.send_fds(self._socket, [data], files) if files else self._socket.send(data)
        if sent < len(data):
            self._socket.sendall(memoryview(data)[sent:])

    def read(self) -> tuple[Any, ...] | None:
        """Takes what has come: the message, or None until it is whole. Raises EOFError, OSError."""
        try:
            piece = self._receive()
        except ConnectionResetError:
            self.is_unread = True
            raise
        if not piece:
            raise EOFError
        self._received += piece
        if len(self._received) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._received)
        if len(self._received) < _LENGTH.size + length:
            return None
        received, self._received = self._received, bytearray()
        message: tuple[Any, ...] = marshal.loads(memoryview(received)[_LENGTH.size :])  # noqa: S302 both ends are ours
        return message

    def wait(self) -> tuple[Any, ...]:
        """The next message. Raises EOFError, OSError."""
        while (message := self.read()) is None:
            pass
        return message

    def _receive(self) -> bytes:
        if not self._most_files:
            return self._socket.recv(SOCKET_BYTES)
        piece, files, _, _ = socket.recv_fds(self._socket, SOCKET_BYTES, self._most_files)
        self.files = files or self.files
        return piece

    def close(self) -> None:
        """Ends it for both ends."""
        self._socket.close()
