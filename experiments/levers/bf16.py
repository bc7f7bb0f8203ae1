"""Half precision on a CPU: OpenVINO's INFERENCE_PRECISION_HINT=bf16, which AMX computes."""

from functools import partial

from experiments.levers.held_out import held_out
from experiments.levers.networks import SERVED, example, for_many, for_one, read
from experiments.levers.timing import latencies, throughputs
from experiments.serving.models import NAMES
from model_server.cores import cores

BF16 = {"INFERENCE_PRECISION_HINT": "bf16"}


def main() -> None:
    """Speed of all networks, answers of the project's."""
    for name in (*NAMES, *SERVED):
        network, x = read(name), example(name)
        one, many = ({"f32": way(network), "bf16": way(network, BF16)} for way in (for_one, for_many))
        print(f"{name}\n  one at a time, on all cores")
        print(latencies({kind: partial(infer, x) for kind, infer in one.items()}))
        print("  one on each core")
        print(throughputs({kind: partial(infer, x) for kind, infer in many.items()}, cores()))
        if name in SERVED:
            print(held_out(name).compare(one["f32"], one["bf16"]))
