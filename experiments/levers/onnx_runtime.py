"""ONNX Runtime in the place of OpenVINO, both in f32, ONNX Runtime with and without its spinning threads."""

from functools import partial

import onnxruntime  # type: ignore[import-not-found]

from experiments.levers.networks import Float32, Infer, example, for_many, for_one, onnx, read
from experiments.levers.timing import latencies, throughputs
from experiments.serving.models import NAMES
from model_server.cores import cores


def main() -> None:
    """Latency on all cores, images a second with a core for each."""
    for name in NAMES:
        network, x = read(name), example(name)
        one, many = {"OpenVINO": for_one(network)}, {"OpenVINO, a stream a core": for_many(network)}
        for spinning in (0, 1):
            said = "spinning" if spinning else "no spinning"
            one[f"ONNX Runtime, {said}"] = _session(name, cores(), spinning)
            many[f"ONNX Runtime, {said}, 1 thread a call"] = _session(name, 1, spinning)
            many[f"ONNX Runtime, {said}, {cores()} threads a call"] = one[f"ONNX Runtime, {said}"]
        print(f"{name}\n  one at a time, on all cores")
        print(latencies({kind: partial(infer, x) for kind, infer in one.items()}))
        print(f"  {cores()} at once")
        print(throughputs({kind: partial(infer, x) for kind, infer in many.items()}, cores()))


def _session(name: str, threads: int, spinning: int) -> Infer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", str(spinning))
    session = onnxruntime.InferenceSession(onnx(name), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()

    def infer(batch: Float32) -> Float32:
        scores: Float32 = session.run(None, {given.name: batch})[0]
        return scores

    return infer
