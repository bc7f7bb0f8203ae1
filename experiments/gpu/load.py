"""So many callers at once, each sending its next picture when it has the answer to the last."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Infer = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Speed:
    """What so many callers saw."""

    images_per_s: float
    p50_ms: float
    p99_ms: float


def measure(infer: Infer, picture: Array, callers: int, calls: int) -> Speed:
    """`callers` threads, each calling `infer` so many times with one picture, (1, ...)."""

    def call() -> list[float]:
        taken = []
        for _ in range(calls):
            start = time.perf_counter()
            infer(picture)
            taken.append(time.perf_counter() - start)
        return taken

    with ThreadPoolExecutor(callers) as pool:
        start = time.perf_counter()
        each = [future.result() for future in [pool.submit(call) for _ in range(callers)]]
        lasted = time.perf_counter() - start
    p50, p99 = np.percentile(np.concatenate(each) * 1000, (50, 99))
    return Speed(callers * calls / lasted, float(p50), float(p99))
