"""The loop of a training: batch after batch, judged after each epoch, ended early, and interrupted at any step.

All state between two steps is in `Progress` and in the network, and both are in a checkpoint; whatever comes next
depends on them and on the seed alone.
"""

import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model_server.scores import probabilities
from training.classifier_data import ClassifierData
from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.batches import Batch, TrainingBatches, validation_batches
from training.errors import Diverged, UnusableCheckpoint
from training.job import Job
from training.network import Network
from training.validation import validation_figures

PROGRESS_FILE = "progress.json"
_WARM_UP = 0.05  # of all steps


@dataclass(slots=True)
class Progress:
    """How far a training is: `step` batches learnt from, `judged` epochs validated."""

    data: str
    step: int = 0
    judged: int = 0
    epoch_loss: float = 0.0  # the sum over the steps of an epoch that is not judged yet
    best_loss: float | None = None  # of validation
    best_epoch: int = 0


def fit(job: Job[ClassifierHyperparameters], network: Network, data: ClassifierData, batches: TrainingBatches) -> None:
    """Trains `network`, which has its best weights in the end. Raises Interrupted, Diverged, UnusableCheckpoint."""
    progress = Progress(data.fingerprint)
    checkpoint = job.resumed()
    if checkpoint:
        progress = _read_progress(checkpoint.folder / PROGRESS_FILE, data.fingerprint)
        network.restore(checkpoint.folder)
    _Fitting(job, network, data, batches, progress).run()


def share_of_rate(step: int, steps: int) -> float:
    """Rises to 1 during the first twentieth of `steps`, then falls to 0 along a cosine.

    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2016, arXiv:1608.03983.
    """
    warm_up = max(1.0, _WARM_UP * steps)
    return min((step + 1) / warm_up, (1 + math.cos(math.pi * step / steps)) / 2)


def _read_progress(file: Path, data: str) -> Progress:
    try:
        progress = Progress(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UnusableCheckpoint(f"{file.parent.name}/{file.name} cannot be read; remove that folder") from error
    if progress.data != data:
        raise UnusableCheckpoint(
            "the checkpoints are of a training on other pictures; give this one another folder of them, or remove those"
        )
    return progress


class _Fitting:
    def __init__(
        self,
        job: Job[ClassifierHyperparameters],
        network: Network,
        data: ClassifierData,
        batches: TrainingBatches,
        progress: Progress,
    ) -> None:
        self._job, self._network, self._data, self._batches, self._progress = job, network, data, batches, progress
        self._chosen = job.hyperparameters
        self._steps = self._chosen.epochs * len(batches)

    def run(self) -> None:
        bar = tqdm(total=self._steps, initial=self._progress.step, unit="batch")
        with closing(self._batches.from_step(self._progress.step)) as coming, bar:
            while not self._is_over():
                if self._progress.judged < self._progress.step // len(self._batches):
                    self._judge()
                else:
                    bar.set_description(f"training, epoch {self._progress.judged + 1} of {self._chosen.epochs}")
                    bar.set_postfix(loss=f"{self._learn(coming):.3f}", refresh=False)
                    bar.update()
                self._job.after_step(self._progress.step, self._save)
        self._network.return_to_kept()
        tqdm.write(f"The best weights are those of epoch {self._progress.best_epoch}.")

    def _is_over(self) -> bool:
        judged, patience = self._progress.judged, self._chosen.patience
        return judged == self._chosen.epochs or bool(patience and judged - self._progress.best_epoch >= patience)

    def _learn(self, coming: Iterator[Batch]) -> float:
        rate = self._chosen.learning_rate * share_of_rate(self._progress.step, self._steps)
        loss = self._network.learn(next(coming), rate)
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss} after step {self._progress.step + 1}; choose a smaller learning_rate")
        self._progress.step += 1
        self._progress.epoch_loss += loss
        return loss

    def _judge(self) -> None:
        """Validates the epoch that is complete. An interruption in between leaves it to be judged again."""
        inputs = validation_batches(self._data.validation, self._data.pictures, self._batches.spec, self._batches.size)
        answers = []
        for batch in inputs:
            answers.append(self._network.outputs(batch))
            self._job.after_step(self._progress.step, self._save)
        scores = probabilities(np.concatenate(answers), self._job.model.spec.output)
        figures = validation_figures(scores, np.array([one.truth for one in self._data.validation]))
        self._job.report(self._progress.step, {"train:loss": self._progress.epoch_loss / len(self._batches), **figures})
        self._progress.judged += 1
        self._progress.epoch_loss = 0.0
        loss = figures["validation:loss"]
        if self._progress.best_loss is None or loss < self._progress.best_loss:
            self._progress.best_loss, self._progress.best_epoch = loss, self._progress.judged
            self._network.keep()

    def _save(self, folder: Path) -> None:
        (folder / PROGRESS_FILE).write_text(json.dumps(asdict(self._progress)), encoding="utf-8")
        self._network.save(folder)
