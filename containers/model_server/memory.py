"""How the C library keeps memory that Python has freed. Only glibc can be told; macOS and musl have their own ways."""

import ctypes

from contract.limits import MIB

_LARGE_BLOCK_BYTES = 15 * MIB  # Pillow keeps a large picture in blocks of 16
_KEPT_BYTES = 20 * MIB  # on each thread; fresh pages for a usual photograph take a tenth of its time
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LIBC = ctypes.CDLL(None)


def give_blocks_back(least_bytes: int, kept_bytes: int) -> None:
    """Has freed blocks of `least_bytes` and more returned at once, where glibc would learn to keep larger and larger
    ones; and what lies free at the end of a heap, beyond `kept_bytes`.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, least_bytes)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, kept_bytes)


def suit_pictures() -> None:
    """For a process that decodes them: what a large one took is returned, what a usual one takes is kept."""
    give_blocks_back(_LARGE_BLOCK_BYTES, _KEPT_BYTES)


def give_all_back() -> None:
    """Returns what lies free between blocks in use; some milliseconds."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
