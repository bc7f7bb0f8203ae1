"""Makes the committed artifact: draws clips, trains, exports, and records what was measured.

    PYTHONPATH=.:containers python -m models.sign_language.demonstration

PyTorch is imported only after the arguments are known to be good and the clips are drawn: the drawing processes
import this module too, and should not wait for it.
"""

import argparse
import json
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
from models.sign_language.clips import GLOSSES
from models.sign_language.dataset import Dataset, draw_dataset
from models.sign_language.model_card import metrics_section

FOLDER = Path(__file__).parent
COMMAND = "PYTHONPATH=.:containers python -m models.sign_language.demonstration"
_RECORDED_LIBRARIES = ("torch", "openvino", "numpy", "scipy")
_EXAMPLE_FRAMES = 32


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one training is asked to do. The defaults made the committed artifact."""

    out: Path = FOLDER
    clips: int = 6000
    held_out: int = 1000
    epochs: int = 10
    seed: int = 7

    @property
    def held_out_seed(self) -> int:
        """The held-out clips are drawn with another seed than those of the training."""
        return self.seed + 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains as the command line says, and prints the result."""
    run = parse_run(arguments)
    metrics = train(run)
    print(
        f"accuracy {metrics['accuracy']:.3f}, among the first five {metrics['top_5_accuracy']:.3f} "
        f"on {run.held_out} held-out clips; written to {run.out}"
    )


def parse_run(arguments: Sequence[str] | None) -> TrainingRun:
    """The command line as a run; on a bad value, one clear line on stderr and exit status 2."""
    default = TrainingRun()
    parser = argparse.ArgumentParser(prog="python -m models.sign_language.demonstration", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=default.out, help="folder to write to (default: this one)")
    parser.add_argument("--clips", type=int, default=default.clips, help="training clips (%(default)s)")
    parser.add_argument("--held-out", type=int, default=default.held_out, help="held-out ones (%(default)s)")
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over the clips (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of every random choice (%(default)s)")
    run = TrainingRun(**vars(parser.parse_args(arguments)))
    for option, count in (("--clips", run.clips), ("--held-out", run.held_out)):
        if count < len(GLOSSES) or count % len(GLOSSES):
            parser.error(f"{option} is {count}; give a multiple of {len(GLOSSES)}, so that each sign is drawn as often")
    if run.epochs < 1:
        parser.error(f"--epochs is {run.epochs}; give 1 or more")
    if run.seed < 0 or run.held_out_seed >= 2**32:
        parser.error(f"--seed is {run.seed}; give a number from 0 to {2**32 - 2}")
    if run.out.exists() and not run.out.is_dir():
        parser.error(f"--out {run.out} is a file; give a folder")
    return run


def train(run: TrainingRun) -> dict[str, Any]:
    """Writes artifact/, metrics.json and two pictures to `run.out`; returns the metrics."""
    started = time.monotonic()
    training = draw_dataset(run.clips, run.seed, "training clips")
    held_out = draw_dataset(run.held_out, run.held_out_seed, "held-out clips")
    metrics = _circumstances(run) | {"drawing_seconds": round(time.monotonic() - started, 1)}

    from models.sign_language.evaluate import draw_confusion_matrix, draw_examples, evaluate  # noqa: PLC0415

    artifact = run.out / "artifact"
    metrics |= _make(run, training, artifact)
    evaluation = evaluate(artifact, held_out)
    metrics |= evaluation.summary()
    draw_confusion_matrix(evaluation, run.out / "confusion_matrix.png")
    draw_examples(run.held_out_seed, run.out / "drawn_signs.png")
    write_metrics(run.out, metrics, metrics_section(metrics))
    return metrics


def _make(run: TrainingRun, training: Dataset, artifact: Path) -> dict[str, Any]:
    """Trains the network and exports it to `artifact`; returns how that went."""
    import torch  # noqa: PLC0415

    from models.sign_language.fitting import BATCH_CLIPS, FEED_FORWARD  # noqa: PLC0415
    from models.sign_language.training import fit_network  # noqa: PLC0415
    from models.torch_export import export  # noqa: PLC0415
    from sign_language.keypoints import COUNT  # noqa: PLC0415

    started = time.monotonic()
    network = fit_network(training, run.epochs, run.seed)
    seconds = time.monotonic() - started
    shutil.rmtree(artifact, ignore_errors=True)
    export(network, torch.zeros(_EXAMPLE_FRAMES, COUNT, 2), artifact, dynamic_axes=(0,))
    (artifact / "labels.json").write_text(json.dumps(GLOSSES, indent=2) + "\n")
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "feed_forward": FEED_FORWARD,
        "batch_clips": BATCH_CLIPS,
        "training_seconds": round(seconds, 1),
        "artifact_bytes": sum(file.stat().st_size for file in artifact.rglob("*") if file.is_file()),
    }


def _circumstances(run: TrainingRun) -> dict[str, Any]:
    """What another run needs in order to be the same."""
    return {
        "data": "drawn by models/sign_language/clips.py; no person, and no sign language",
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "seed": run.seed,
        "held_out_seed": run.held_out_seed,
        "clips": run.clips,
        "held_out_clips": run.held_out,
        "epochs": run.epochs,
        "cores": os.cpu_count() or 1,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _RECORDED_LIBRARIES},
    }


if __name__ == "__main__":
    main()
