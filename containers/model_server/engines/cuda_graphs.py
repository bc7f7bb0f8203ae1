"""A network as CUDA graphs: what a GPU is told to do is recorded once and replayed, instead of launched anew."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch

from model_server.engines import Array

BATCH_SIZES = (1, 2, 4, 8)
_RUNS_BEFORE_CAPTURE = 3  # in which libraries choose kernels and allocate, which a capture forbids

Tensor = torch.Tensor
Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class _Static:
    """Where a captured network reads and writes, for one size of batch. Those of the host are pinned on a GPU."""

    sent: Tensor
    given: Tensor
    replay: Callable[[], object]
    output: Tensor
    received: Tensor


class Graphs:
    """A network captured for batches of 1, 2, 4 and 8 of one shape; any other size is padded to the next.

    The padding is whatever an earlier batch left there, and its answers are dropped.
    """

    def __init__(self, network: Network, example: Tensor) -> None:
        self._shape = tuple(example.shape[1:])
        self._lock = Lock()  # a graph has one input and one output
        self._static: dict[int, _Static] = {}
        pool = memory_pool(example.device)
        with torch.inference_mode():
            for size in reversed(BATCH_SIZES):  # the smaller ones then fit into the memory of the largest
                given = example.expand(size, *self._shape).clone()
                replay, output = capture(network, given, pool)
                if len(output) != size:
                    raise RuntimeError(f"the network gives {len(output)} rows for {size} instances")
                self._static[size] = _Static(_on_host(given), given, replay, output, _on_host(output))

    def take(self, batch: Array) -> bool:
        """Whether it is of the captured shape."""
        return batch.shape[1:] == self._shape and len(batch) <= BATCH_SIZES[-1]

    def __call__(self, batch: Array) -> Array:
        """The network's output for `batch`, which they take."""
        count = len(batch)
        static = self._static[next(size for size in BATCH_SIZES if size >= count)]
        with self._lock, torch.inference_mode():
            static.sent[:count].copy_(torch.from_numpy(batch))
            static.given[:count].copy_(static.sent[:count], non_blocking=True)
            static.replay()
            static.received.copy_(static.output)  # waits for the device
            return static.received[:count].numpy().copy()


def _on_host(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)


def memory_pool(device: torch.device) -> Any:
    """Memory that the graphs of one network share: they never run at the same time."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def capture(network: Network, given: Tensor, pool: Any) -> tuple[Callable[[], object], Tensor]:
    """What replays `network` on whatever `given` then holds, and the output that it overwrites. Only on CUDA.

    The order is that of PyTorch's notes on CUDA semantics, "CUDA Graphs". Raises RuntimeError where the network waits
    for the device, or decides by what it computed.
    """
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_RUNS_BEFORE_CAPTURE):
            network(given)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        output = network(given)
    return graph.replay, output
