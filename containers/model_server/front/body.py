"""A request's body as it comes in: a small one as bytes, a large one in a file in memory, for the model's process."""

import os
import tempfile
from typing import Protocol

from model_server.messages import INLINE_BYTES


class _File(Protocol):
    def fileno(self) -> int: ...
    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class Body:
    """The bytes so far."""

    __slots__ = ("_bytes", "_file", "size")

    def __init__(self) -> None:
        self._bytes = b""
        self._file: _File | None = None
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Appends. Raises OSError or MemoryError when memory is short."""
        self.size += len(piece)
        if self._file is None and self.size <= INLINE_BYTES:
            self._bytes += piece
            return
        if self._file is None:
            self._file = _memory_file()
            self._file.write(self._bytes)
            self._bytes = b""
        self._file.write(piece)

    def contents(self) -> tuple[bytes | None, list[int]]:
        """The bytes, or the open file that holds them."""
        return (self._bytes, []) if self._file is None else (None, [self._file.fileno()])

    def close(self) -> None:
        """Lets go of the bytes; the size stays."""
        self._bytes = b""
        if self._file is not None:
            self._file.close()
            self._file = None


def _memory_file() -> _File:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("body"), "wb", buffering=0)
    return tempfile.TemporaryFile(buffering=0)  # macOS
