"""Eight-bit weights and activations by NNCF's quantisation after training, beside f32 and bf16."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nncf  # type: ignore[import-not-found]

from experiments.levers.bf16 import BF16
from experiments.levers.held_out import CALIBRATION, calibration, held_out
from experiments.levers.networks import SERVED, Float32, example, for_many, for_one, read, save
from experiments.levers.timing import latencies, throughputs
from experiments.serving.models import NAMES
from model_server.cores import cores


def main() -> None:
    """Speed and size of all networks, answers of the project's; MobileNetV2 and ResNet50 have random weights."""
    for name in (*NAMES, *SERVED):
        x = example(name)
        given = calibration(name).inputs if name in SERVED else [x]
        kinds: dict[str, tuple[Any, dict[str, str]]] = {"f32": (read(name), {}), "bf16": (read(name), BF16)}
        kinds["int8"] = quantised(name, given), {}
        kinds["int8, the rest bf16"] = kinds["int8"][0], BF16
        one = {kind: for_one(*each) for kind, each in kinds.items()}
        many = {kind: for_many(*each) for kind, each in kinds.items()}
        print(
            f"{name}: {_mb(kinds['f32'][0]):.2f} MB, int8 {_mb(kinds['int8'][0]):.2f} MB\n  one at a time, on all cores"
        )
        print(latencies({kind: partial(infer, x) for kind, infer in one.items()}))
        print("  one on each core")
        print(throughputs({kind: partial(infer, x) for kind, infer in many.items()}, cores()))
        if name in SERVED:
            pictures = held_out(name)
            for kind in list(one)[1:]:
                print(f"  {kind}\n{pictures.compare(one['f32'], one[kind])}")


def quantised(name: str, given: list[Float32]) -> Any:
    """The network with weights and activations of eight bits, their ranges taken from the pictures in `given`."""
    return nncf.quantize(read(name), nncf.Dataset(given), subset_size=CALIBRATION)


def _mb(network: Any) -> float:
    with TemporaryDirectory() as folder:
        return save(network, Path(folder) / "saved")
