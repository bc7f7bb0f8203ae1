"""Makes the committed artifacts: draws slices, trains two networks, exports them, and records what was measured.

    PYTHONPATH=.:containers python -m models.brain_tumor.demonstration

PyTorch is imported only after the arguments are known to be good and the slices are drawn: the drawing processes
import this module too, and should not wait for it.
"""

import argparse
import os
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.brain_tumor.dataset import Dataset, draw_dataset
from models.brain_tumor.model_card import metrics_section
from models.brain_tumor.slices import CLASSES
from models.card import write_metrics
from models.spec import ModelTable, read_spec

FOLDER = Path(__file__).parent
COMMAND = "PYTHONPATH=.:containers python -m models.brain_tumor.demonstration"
_RECORDED_LIBRARIES = ("torch", "openvino", "numpy", "pillow", "scipy")


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one training is asked to do. The defaults made the committed artifacts."""

    out: Path = FOLDER
    images: int = 2400
    held_out: int = 1000
    seed: int = 7

    @property
    def held_out_seed(self) -> int:
        """Not that of the training, nor the next one, whose slices were looked at while the recipes were chosen."""
        return self.seed + 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains as the command line says, and prints the result."""
    run = parse_run(arguments)
    metrics = train(run)
    for name, measured in metrics["networks"].items():
        print(f"{name}: accuracy {measured['accuracy']:.3f}, ROC AUC {measured['roc_auc']:.3f}")
    print(f"measured on {run.held_out} held-out slices; written to {run.out}")


def parse_run(arguments: Sequence[str] | None) -> TrainingRun:
    """The command line as a run; on a bad value, one clear line on stderr and exit status 2."""
    default = TrainingRun()
    parser = argparse.ArgumentParser(prog="python -m models.brain_tumor.demonstration", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=default.out, help="folder to write to (default: this one)")
    parser.add_argument("--images", type=int, default=default.images, help="training slices (%(default)s)")
    parser.add_argument("--held-out", type=int, default=default.held_out, help="held-out ones (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of every random choice (%(default)s)")
    run = TrainingRun(**vars(parser.parse_args(arguments)))
    for option, count in (("--images", run.images), ("--held-out", run.held_out)):
        if count < CLASSES or count % CLASSES:
            parser.error(f"{option} is {count}; give an even number, so that both classes are drawn as often")
    if run.seed < 0 or run.held_out_seed >= 2**32:
        parser.error(f"--seed is {run.seed}; give a number from 0 to {2**32 - 3}")
    if run.out.exists() and not run.out.is_dir():
        parser.error(f"--out {run.out} is a file; give a folder")
    return run


def train(run: TrainingRun) -> dict[str, Any]:
    """Writes the artifacts, metrics.json and two pictures to `run.out`; returns the metrics."""
    started = time.monotonic()
    training = draw_dataset(run.images, run.seed, "training slices")
    held_out = draw_dataset(run.held_out, run.held_out_seed, "held-out slices")
    metrics = _circumstances(run) | {"drawing_seconds": round(time.monotonic() - started, 1)}

    from models.brain_tumor.evaluate import draw_confusion_matrices, draw_examples, evaluate  # noqa: PLC0415
    from models.brain_tumor.training import RECIPES  # noqa: PLC0415

    model = read_spec(FOLDER / "model.toml").model
    networks, evaluations = {}, {}
    for name in RECIPES:
        artifact = run.out / artifact_name(name, model)
        made = _make(name, training, artifact, run.seed)
        evaluations[name] = evaluate(artifact, held_out)
        networks[name] = {"artifact": artifact.name} | made | evaluations[name].summary()
    draw_confusion_matrices(evaluations, tuple(model.labels), run.out / "confusion_matrix.png")
    draw_examples(held_out, run.out / "drawn_slices.png")
    metrics["networks"] = networks
    write_metrics(run.out, metrics, metrics_section(metrics))
    return metrics


def artifact_name(network: str, model: ModelTable) -> str:
    """The folder of a network's weights: that of model.toml for the network named there."""
    return model.artifact if network == model.network else f"artifact_{network}"


def _make(name: str, training: Dataset, artifact: Path, seed: int) -> dict[str, Any]:
    """Trains a network and exports it to `artifact`; returns how that went."""
    import torch  # noqa: PLC0415

    from models.brain_tumor.scanner import SLICE_SIDE_PX  # noqa: PLC0415
    from models.brain_tumor.training import BATCH_IMAGES, RECIPES, fit_network  # noqa: PLC0415
    from models.torch_export import export  # noqa: PLC0415

    started = time.monotonic()
    network = fit_network(name, training, seed)
    seconds = time.monotonic() - started
    shutil.rmtree(artifact, ignore_errors=True)
    example = torch.zeros(1, 3, SLICE_SIDE_PX, SLICE_SIDE_PX)
    export(network, example, artifact, dynamic_axes=(0, 2, 3))
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "batch_images": BATCH_IMAGES,
        "epochs": RECIPES[name].epochs,
        "training_seconds": round(seconds, 1),
        "artifact_bytes": sum(file.stat().st_size for file in artifact.rglob("*") if file.is_file()),
    }


def _circumstances(run: TrainingRun) -> dict[str, Any]:
    """What another run needs in order to be the same."""
    return {
        "data": "drawn by models/brain_tumor/slices.py; no real scan",
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "seed": run.seed,
        "held_out_seed": run.held_out_seed,
        "images": run.images,
        "held_out_images": run.held_out,
        "cores": os.cpu_count() or 1,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _RECORDED_LIBRARIES},
    }


if __name__ == "__main__":
    main()
