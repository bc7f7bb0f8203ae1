"""`python -m experiments.gpu [torch] [tensorflow]`: measures what is installed, keeps it in docs/performance.md."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from docs.sections import replace_section
from experiments.gpu.contest import contest
from experiments.gpu.contestants import CONTESTS, NETWORKS
from experiments.gpu.report import NO_GPU, Result, gpu_section
from models.registry import ROOT

_ON_GPU, _ON_CPU = (224, 4000), (64, 64)  # pixels a side, calls of all callers together in a round


def main(frameworks: Sequence[str]) -> None:
    """On a GPU some minutes; on a CPU, with small pictures and few calls, about two."""
    gpu = has_gpu()
    print(_device_line(gpu), flush=True)
    results = [
        _in_a_process(framework, network, *(_ON_GPU if gpu else _ON_CPU))
        for framework in frameworks
        if find_spec(framework)
        for network in NETWORKS[framework]
    ]
    section = gpu_section(results)
    print(section)
    replace_section(section, ROOT / "docs" / "performance.md")


def has_gpu() -> bool:
    """Whether the driver's device is there; which framework can use it, each result says for itself."""
    return Path("/dev/nvidiactl").exists()


def _device_line(gpu: bool) -> str:
    return "a GPU is here; each row names it" if gpu else NO_GPU


def _in_a_process(framework: str, network: str, side: int, calls: int) -> Result:
    """Its own, because the frameworks bring CUDA libraries of different versions and keep the GPU's memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(contest, framework, network, side, calls).result()


if __name__ == "__main__":
    main(sys.argv[1:] or tuple(CONTESTS))
