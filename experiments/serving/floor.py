"""The floor: our decoding and an inference in a loop on all cores, with no HTTP, no queue and no JSON.

Inference is our engine's or plain OpenVINO's with a stream for each loop, whichever is faster: measured by our engine
alone, a fault in how it shares the cores would lower the floor with it.

A process that is started as a server is: `python -m experiments.serving.floor MODEL_DIR`. It reads jobs from stdin,
`[PICTURE_FILE, LOOPS, SECONDS, LABEL]`, and answers each with one line, a Result as JSON.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments.serving.load import FEWEST, LONGEST_S, Result, percentile
from model_server.engines import Array, Engine, choose_engine, only
from model_server.images import decode_image
from model_server.preprocess import needed_side, prepare
from models.labels import read_labels
from models.spec import read_spec

Infer = Callable[[Array], Array]
"""A batch of one -> its scores."""


class Floor:
    """One network, and what it takes to know whether its answer is right."""

    def __init__(self, model_dir: Path) -> None:
        self._model_dir = model_dir
        self._spec = read_spec(model_dir / "model.toml")
        self._labels = read_labels(self._spec, model_dir)
        self._engine: Engine = choose_engine("openvino")
        self._engine.load(model_dir)
        height, width = self._spec.input.size or (0, 0)
        self._example = np.zeros((1, height, width, 3), np.float32)
        self._engine.warm_up(self._example)
        self._compiled = cache(self._compile)

    def measure(self, body: bytes, loops: int, seconds: float, label: str) -> Result:
        """The better of both ways."""
        ours = _measure(lambda: self._label(body, self._ours) == label, loops, seconds)
        plain = _measure(lambda: self._label(body, self._plain(loops)) == label, loops, seconds)
        return max(ours, plain, key=lambda result: result.per_s)

    def first(self, body: bytes, label: str) -> Result:
        """One picture by our engine, to show that it is there."""
        return _measure(lambda: self._label(body, self._ours) == label, 1, 0.0)

    def _label(self, body: bytes, infer: Infer) -> str:
        scores = infer(prepare(decode_image(body, needed_side(self._spec.input)), self._spec.input)[None])
        return self._labels[int(scores[0].argmax())]

    def _ours(self, batch: Array) -> Array:
        return only(self._engine.infer(batch))

    def _plain(self, loops: int) -> Infer:
        compiled, local = self._compiled(loops)

        def infer(batch: Array) -> Array:
            if not hasattr(local, "request"):
                local.request = compiled.create_infer_request()
            scores: Array = local.request.infer(batch, share_inputs=True).to_tuple()[0]
            return scores

        return infer

    def _compile(self, streams: int) -> tuple[Any, threading.local]:
        import openvino  # noqa: PLC0415 after the engine, which says how to import it

        core = openvino.Core()
        network = core.read_model(self._model_dir)
        network.reshape(list(self._example.shape))
        config = {"NUM_STREAMS": streams, "INFERENCE_PRECISION_HINT": "f32"}
        return core.compile_model(network, "CPU", config), threading.local()


def _measure(answer: Callable[[], bool], loops: int, seconds: float) -> Result:
    """`loops` threads at once, after a few answers each to warm up; `answer` tells whether it was right."""
    result, latencies = Result(loops), list[float]()
    warm = threading.Barrier(loops + 1)
    started = 0.0

    def loop() -> None:
        for _ in range(3):
            answer()
        warm.wait()
        warm.wait()
        while not _enough(time.perf_counter() - started, seconds, len(latencies)):
            before = time.perf_counter()
            right = answer()
            latencies.append((time.perf_counter() - before) * 1000)
            result.errors += not right

    threads = [threading.Thread(target=loop) for _ in range(loops)]
    for thread in threads:
        thread.start()
    warm.wait()
    started = time.perf_counter()
    warm.wait()
    for thread in threads:
        thread.join()
    result.answers, result.per_s = len(latencies), len(latencies) / (time.perf_counter() - started)
    if result.errors:
        result.faults["wrong label"] = result.errors
    ordered = sorted(latencies)
    result.p50_ms, result.p99_ms = percentile(ordered, 50), percentile(ordered, 99)
    return result


def _enough(elapsed: float, seconds: float, answers: int) -> bool:
    """No seconds: one answer."""
    return elapsed >= LONGEST_S or (elapsed >= seconds and answers >= (FEWEST if seconds else 1))


def main(model_dir: Path) -> None:
    """See the module."""
    floor = Floor(model_dir)
    for line in sys.stdin:
        file, loops, seconds, label = json.loads(line)
        body = Path(file).read_bytes()
        result = floor.measure(body, loops, seconds, label) if seconds else floor.first(body, label)
        print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
