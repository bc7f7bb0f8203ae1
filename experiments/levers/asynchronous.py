"""OpenVINO's AsyncInferQueue, and start_async, against threads that call infer()."""

import time
from typing import Any

import openvino

from experiments.levers.networks import Float32, example, read
from experiments.levers.timing import at_once, values
from experiments.serving.models import NAMES
from model_server.cores import cores

_CORE = openvino.Core()
_SECONDS = 1.0


def main() -> None:
    """Images a second with a stream for each core, in three ways on one compiled network."""
    for name in NAMES:
        x, config = example(name), {"NUM_STREAMS": cores(), "INFERENCE_NUM_THREADS": cores()}
        compiled = _CORE.compile_model(read(name), "CPU", config | {"INFERENCE_PRECISION_HINT": "f32"})
        print(f"{name}, {cores()} at once")
        ways = {
            f"{cores()} threads, infer()": lambda compiled=compiled, x=x: _threads(compiled, x, "infer"),
            f"{cores()} threads, start_async(), wait()": lambda compiled=compiled, x=x: _threads(compiled, x, "async"),
            f"AsyncInferQueue({cores()})": lambda compiled=compiled, x=x: _queue(compiled, x, cores()),
            f"AsyncInferQueue({2 * cores()})": lambda compiled=compiled, x=x: _queue(compiled, x, 2 * cores()),
        }
        print(values(ways, 7, "/s"))


def _threads(compiled: Any, x: Float32, how: str) -> float:
    idle = [compiled.create_infer_request() for _ in range(cores())]

    def one() -> None:
        request = idle.pop()
        if how == "infer":
            request.infer(x, share_inputs=True)
        else:
            request.start_async(x, share_inputs=True)
            request.wait()
        request.get_output_tensor(0).data.copy()
        idle.append(request)

    return at_once(one, cores(), _SECONDS)


def _queue(compiled: Any, x: Float32, jobs: int) -> float:
    """One thread feeds the queue, its callbacks take the answers; the last one's end counts."""
    queue, answers = openvino.AsyncInferQueue(compiled, jobs), list[float]()

    def taken(request: Any, _number: object) -> None:
        answers.append(float(request.get_output_tensor(0).data.copy().max()))

    queue.set_callback(taken)
    started = time.perf_counter()
    while time.perf_counter() < started + _SECONDS:
        queue.start_async(x, share_inputs=True)
    queue.wait_all()
    return len(answers) / (time.perf_counter() - started)
