"""Makes the committed artifact: draws scenes, trains, exports, and records what was measured.

    python -m models.object_detection.demonstration

TensorFlow is imported only after the arguments are known to be good and the scenes are drawn: the drawing
processes import this module too, and should not wait for it.
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

from models.card import write_metrics
from models.object_detection.dataset import DRAWN, LABELS, Split, draw_dataset
from models.object_detection.model_card import metrics_section

FOLDER = Path(__file__).parent
COMMAND = "python -m models.object_detection.demonstration"
_RECORDED_LIBRARIES = ("tensorflow-cpu", "keras", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one training is asked to do. The defaults made the committed artifact."""

    out: Path = FOLDER
    scenes: int = 3600
    held_out: int = 500
    epochs: int = 9
    seed: int = 7


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains as the command line says, and prints the result."""
    run = parse_run(arguments)
    metrics = train(run)
    print(f"mAP at IoU 0.5 is {metrics['map_50']:.3f} on {run.held_out} held-out scenes; written to {run.out}")


def parse_run(arguments: Sequence[str] | None) -> TrainingRun:
    """The command line as a run; on a bad value, one clear line on stderr and exit status 2."""
    default = TrainingRun()
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=default.out, help="folder to write to (default: this one)")
    parser.add_argument("--scenes", type=int, default=default.scenes, help="training scenes (%(default)s)")
    parser.add_argument("--held-out", type=int, default=default.held_out, help="held-out ones (%(default)s)")
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over them (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of every random choice (%(default)s)")
    run = TrainingRun(**vars(parser.parse_args(arguments)))
    for option, count in (("--scenes", run.scenes), ("--held-out", run.held_out), ("--epochs", run.epochs)):
        if count < 1:
            parser.error(f"{option} is {count}; give 1 or more")
    if run.seed < 0 or run.seed >= 2**32:
        parser.error(f"--seed is {run.seed}; give a number from 0 to {2**32 - 1}")
    if run.out.exists() and not run.out.is_dir():
        parser.error(f"--out {run.out} is a file; give a folder")
    return run


def train(run: TrainingRun) -> dict[str, Any]:
    """Writes artifact/, metrics.json and the card's pictures to `run.out`; returns the metrics."""
    started = time.monotonic()
    training = draw_dataset(run.scenes, Split.TRAINING, run.seed)
    held_out = draw_dataset(run.held_out, Split.HELD_OUT, run.seed)
    drawn = time.monotonic()

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its start-up notices would break the progress bar
    from models.object_detection.evaluate import curves, detect, summary  # noqa: PLC0415
    from models.object_detection.export import ExportedDetector, export  # noqa: PLC0415
    from models.object_detection.plots import draw_curves, draw_examples  # noqa: PLC0415
    from models.object_detection.training import BATCH_SCENES, fit_network  # noqa: PLC0415

    model = fit_network(training, run.epochs, run.seed)
    trained = time.monotonic()
    artifact = run.out / "artifact"
    shutil.rmtree(artifact, ignore_errors=True)
    export(ExportedDetector(model, DRAWN, LABELS, is_letterboxed=False), LABELS, artifact)

    found = detect(artifact, list(held_out.pictures))
    draw_curves(curves(held_out, found), run.out / "precision_recall.png")
    draw_examples(held_out, found, run.out / "held_out_scenes.jpg")
    metrics = (
        _circumstances(run)
        | {"batch_scenes": BATCH_SCENES, "parameters": model.count_params()}
        | summary(held_out, found)
        | {
            "drawing_seconds": round(drawn - started, 1),
            "training_seconds": round(trained - drawn, 1),
            "artifact_bytes": sum(file.stat().st_size for file in artifact.rglob("*") if file.is_file()),
        }
    )
    write_metrics(run.out, metrics, metrics_section(metrics))
    return metrics


def _circumstances(run: TrainingRun) -> dict[str, Any]:
    """What another run needs in order to be the same."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"{COMMAND} --scenes {run.scenes} --held-out {run.held_out} --epochs {run.epochs} --seed {run.seed}",
        "data": "drawn by models/object_detection/scenes.py; no real photograph",
        "seed": run.seed,
        "scenes": run.scenes,
        "held_out_scenes": run.held_out,
        "epochs": run.epochs,
        "cores": os.cpu_count() or 1,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _RECORDED_LIBRARIES},
    }


if __name__ == "__main__":
    main()
