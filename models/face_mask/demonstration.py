"""Makes the committed artifact: draws portraits, trains, exports, and records what was measured.

    python -m models.face_mask.demonstration

TensorFlow is imported only after the arguments are known to be good and the portraits are drawn: the
drawing processes import this module too, and should not wait for it.
"""

import argparse
import os
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.card import write_metrics
from models.face_mask.dataset import LABELS, Split, draw_dataset
from models.face_mask.model_card import metrics_section
from models.labels import read_labels
from models.spec import read_spec

FOLDER = Path(__file__).parent
_RECORDED_LIBRARIES = ("tensorflow-cpu", "keras", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one training is asked to do. The defaults made the committed artifact."""

    out: Path = FOLDER
    images: int = 6000
    held_out: int = 1200
    epochs: int = 12
    seed: int = 7


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains as the command line says, and prints the result."""
    run = parse_run(arguments)
    metrics = train(run)
    print(
        f"accuracy {metrics['accuracy']:.3f}, F1 {metrics['f1']:.3f} on {run.held_out} held-out images; "
        f"written to {run.out}"
    )


def parse_run(arguments: Sequence[str] | None) -> TrainingRun:
    """The command line as a run; on a bad value, one clear line on stderr and exit status 2."""
    default = TrainingRun()
    parser = argparse.ArgumentParser(prog="python -m models.face_mask.demonstration", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=default.out, help="folder to write to (default: this one)")
    parser.add_argument("--images", type=int, default=default.images, help="training portraits (%(default)s)")
    parser.add_argument("--held-out", type=int, default=default.held_out, help="held-out ones (%(default)s)")
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over them (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of every random choice (%(default)s)")
    run = TrainingRun(**vars(parser.parse_args(arguments)))
    for option, count in (("--images", run.images), ("--held-out", run.held_out)):
        if count < LABELS or count % LABELS:
            parser.error(f"{option} is {count}; give a multiple of {LABELS}, so that each label is drawn as often")
    if run.epochs < 1:
        parser.error(f"--epochs is {run.epochs}; give 1 or more")
    if run.seed < 0 or run.seed >= 2**32:
        parser.error(f"--seed is {run.seed}; give a number from 0 to {2**32 - 1}")
    if run.out.exists() and not run.out.is_dir():
        parser.error(f"--out {run.out} is a file; give a folder")
    return run


def train(run: TrainingRun) -> dict[str, Any]:
    """Writes artifact/, metrics.json and the two plots to `run.out`; returns the metrics."""
    started = time.monotonic()
    training = draw_dataset(run.images, Split.TRAINING, run.seed)
    held_out = draw_dataset(run.held_out, Split.HELD_OUT, run.seed)
    drawn = time.monotonic()

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its start-up notices would break the progress bar
    from models.face_mask.evaluate import draw_confusion_matrix, draw_roc_curve, evaluate  # noqa: PLC0415
    from models.face_mask.training import BATCH_IMAGES, fit_network  # noqa: PLC0415

    model = fit_network(training, run.epochs, run.seed)
    trained = time.monotonic()
    artifact = run.out / "artifact"
    shutil.rmtree(artifact, ignore_errors=True)
    model.export(artifact, format="tf_saved_model", verbose=False)

    labels = list(read_labels(read_spec(FOLDER / "model.toml"), artifact).values())
    evaluation = evaluate(artifact, held_out)
    draw_confusion_matrix(evaluation, labels, run.out / "confusion_matrix.png")
    draw_roc_curve(evaluation, run.out / "roc_curve.png")
    metrics = (
        _circumstances(run)
        | {"batch_images": BATCH_IMAGES, "parameters": model.count_params()}
        | evaluation.summary()
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
        "data": "drawn by models/face_mask/portrait.py; no real photograph",
        "seed": run.seed,
        "images": run.images,
        "held_out_images": run.held_out,
        "epochs": run.epochs,
        "cores": os.cpu_count() or 1,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _RECORDED_LIBRARIES},
    }


if __name__ == "__main__":
    main()
