"""A request's body as it comes in: a small one as bytes, a large one in a file in memory, for the model's process."""

import mmap
import os
import tempfile
from typing import Protocol

from contract.limits import BODIES
from model_server.messages import INLINE_BYTES

MOST_SPARE = 2


class _File(Protocol):
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class _Room:
    """A file in memory for the largest body. Pages that it was once given stay, and the next body needs no new ones."""

    def __init__(self, max_body_bytes: int) -> None:
        self.file = _memory_file()
        os.ftruncate(self.file.fileno(), max_body_bytes)
        self.bytes = memoryview(mmap.mmap(self.file.fileno(), max_body_bytes))


_spare: list[_Room] = []


class Body:
    """The bytes so far, at most `max_bytes`, which is the same for all."""

    __slots__ = ("_bytes", "_room", "max_bytes", "size")

    def __init__(self, max_bytes: int) -> None:
        self._bytes = b""
        self.max_bytes = max_bytes
        self._room: _Room | None = None
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Appends. Raises OSError or MemoryError when memory is short."""
        size = self.size + len(piece)
        if self._room is None and size <= INLINE_BYTES:
            self._bytes += piece
        else:
            self._open().bytes[self.size : size] = piece
        self.size = size

    def room(self, count: int) -> memoryview:
        """Where the next `count` bytes can be received without a copy; `filled` tells of them. Raises OSError."""
        return self._open().bytes[self.size : self.size + count]

    def filled(self, count: int) -> None:
        """So many bytes have come into the room."""
        self.size += count

    def contents(self) -> tuple[bytes | int, list[int]]:
        """The bytes; or how many there are, and the open file that begins with them."""
        return (self._bytes, []) if self._room is None else (self.size, [self._room.file.fileno()])

    def close(self, *, is_read: bool) -> None:
        """Lets go of the bytes, for the next body to take their place if nobody reads them any more. The size stays."""
        self._bytes = b""
        room, self._room = self._room, None
        if room is not None and is_read and len(_spare) < MOST_SPARE and self.size <= BODIES.realtime:
            _spare.append(room)
        elif room is not None:
            room.file.close()

    def _open(self) -> _Room:
        if self._room is None:
            self._room = _spare.pop() if _spare else _Room(self.max_bytes)
            self._room.bytes[: self.size] = self._bytes
            self._bytes = b""
        return self._room


def _memory_file() -> _File:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("body"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)  # macOS
