"""One network in both ways in turn, at each number of callers: what runs in a process of its own."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from experiments.gpu.contestants import CONTESTS, Contest
from experiments.gpu.load import Speed, measure
from experiments.gpu.report import Result
from model_server import logs

CALLERS = (1, 8, 32)
_ROUNDS = 3


def contest(framework: str, network: str, side: int, calls: int) -> Result:
    """Both ways in turn, so that what disturbs the machine disturbs both; medians of the rounds."""
    logs.configure()
    with tempfile.TemporaryDirectory() as folder:
        ready = CONTESTS[framework](network, side, Path(folder))
        rounds = [_round(ready, calls) for _ in range(_ROUNDS)]
        ours, eager = ({n: _median([each[way][n] for each in rounds]) for n in CALLERS} for way in (0, 1))
        gap = float(np.abs(ready.ours(ready.picture) - ready.eager(ready.picture)).max())
    return Result(ready.framework, network, ready.device, ready.on_gpu, side, gap, ours, eager)


def _round(ready: Contest, calls: int) -> tuple[dict[int, Speed], dict[int, Speed]]:
    ours, eager = {}, {}
    for callers in CALLERS:
        each = max(1, calls // callers)
        ours[callers] = measure(ready.ours, ready.picture, callers, each)
        eager[callers] = measure(ready.eager, ready.picture, callers, each)
    return ours, eager


def _median(speeds: Sequence[Speed]) -> Speed:
    return Speed(
        median(speed.images_per_s for speed in speeds),
        median(speed.p50_ms for speed in speeds),
        median(speed.p99_ms for speed in speeds),
    )
