"""How the C library keeps memory that Python has freed. Only glibc can be told; macOS and musl have their own ways."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LIBC = ctypes.CDLL(None)


def give_blocks_back(least_bytes: int, kept_bytes: int) -> None:
    """Has freed blocks of `least_bytes` and more returned at once, where glibc would learn to keep larger and larger
    ones; and what lies free at the end of a heap, beyond `kept_bytes`.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, least_bytes)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, kept_bytes)


def give_all_back() -> None:
    """Returns what lies free between blocks in use; some milliseconds."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
