"""How much of the machine is ours."""

import os


def cores() -> int:
    """The cores that this process may use; macOS cannot tell, so there it is all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
