"""The measurements as a section of docs/performance.md, which says first whether a GPU made them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.gpu.load import Speed

NO_GPU = "no GPU here: measured on the CPU, which says nothing about a GPU"


@dataclass(frozen=True, slots=True)
class Result:
    """One network on one device. `ours` and `eager`: callers at once -> what they saw."""

    framework: str
    network: str
    device: str
    on_gpu: bool
    side_px: int
    difference: float
    ours: Mapping[int, Speed]
    eager: Mapping[int, Speed]


def gpu_section(results: Sequence[Result]) -> str:
    """The section, in Markdown."""
    rows = "\n".join(_row(result, callers) for result in results for callers in result.ours)
    return f"""## GPU

{_frankly(results)}

`python -m experiments.gpu`: closed loop, one picture a call, no HTTP and no decoding, medians of
three rounds, ours and the loop in turn. "eager": the plain loop on the same device, 32-bit floats, no batching.
On a GPU ours puts callers together as batches of up to 8; in PyTorch it also uses half precision and channels-last
memory where scores move by less than 0.002, and CUDA graphs; in TensorFlow, half precision by the same bound.

| network | device | pixels | callers | ours: images/s | p50, p99 ms | eager: images/s | p50, p99 ms | times as fast |
|---|---|---|---|---|---|---|---|---|
{rows}

Largest difference between the outputs of the two: {_differences(results)}.
"""


def _frankly(results: Sequence[Result]) -> str:
    if not results or not all(result.on_gpu for result in results):
        return (
            "**Not run on a GPU: none could be had.** These numbers are of a CPU, where the engines use nothing of what"
            " follows: a ratio of 1 is\nwhat they should show, and they say nothing about a GPU. The code for GPUs was"
            " tested on a CPU with a stand-in for the\ngraph capture, and has never run on CUDA."
        )
    return f"Run on {', '.join(sorted({result.device for result in results}))}."


def _row(result: Result, callers: int) -> str:
    ours, eager = result.ours[callers], result.eager[callers]
    cells = [
        f"{result.network}, {result.framework}",
        result.device,
        f"{result.side_px}x{result.side_px}",
        str(callers),
        f"{ours.images_per_s:.1f}",
        f"{ours.p50_ms:.1f}, {ours.p99_ms:.1f}",
        f"{eager.images_per_s:.1f}",
        f"{eager.p50_ms:.1f}, {eager.p99_ms:.1f}",
        f"{ours.images_per_s / eager.images_per_s:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _differences(results: Sequence[Result]) -> str:
    return ", ".join(f"{result.network} in {result.framework} {result.difference:.1g}" for result in results)
