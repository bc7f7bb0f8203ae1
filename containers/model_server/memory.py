"""How the C library keeps memory that Python has freed."""

import ctypes

from contract.limits import MIB

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BLOCK_BYTES = MIB


def give_large_blocks_back() -> None:
    """Makes glibc return the memory of a large picture when it is freed, instead of learning to keep such blocks."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent on macOS and musl
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
