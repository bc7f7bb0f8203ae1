"""How much of the machine is ours, and what it can do."""

import os
from pathlib import Path

_CPU = Path("/proc/cpuinfo")


def cores() -> int:
    """The cores that this process may use; macOS cannot tell, so there it is all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_amx() -> bool:
    """Whether the CPU multiplies matrices in bfloat16. With AVX-512's dot products alone it is slower than float32."""
    return _CPU.is_file() and "amx_bf16" in _CPU.read_text()
