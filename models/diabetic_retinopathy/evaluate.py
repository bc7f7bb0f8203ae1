"""How well the exported artifact grades photographs that it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from models.diabetic_retinopathy.dataset import Dataset
from models.diabetic_retinopathy.icdr import GRADES

_BATCH_IMAGES = 50


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Agreement with the true grades; confusion [true, predicted] counts images."""

    accuracy: float
    quadratic_weighted_kappa: float
    confusion: NDArray[np.int64]

    @property
    def recall(self) -> list[float]:
        """Of the images of each grade, the share that was given this grade."""
        return [float(share) for share in np.diag(self.confusion) / self.confusion.sum(axis=1)]

    def summary(self, labels: Sequence[str]) -> dict[str, Any]:
        """The same numbers as metrics.json holds them, rounded to four places."""
        return {
            "accuracy": round(self.accuracy, 4),
            "quadratic_weighted_kappa": round(self.quadratic_weighted_kappa, 4),
            "recall": {label: round(share, 4) for label, share in zip(labels, self.recall, strict=True)},
            "confusion_matrix": self.confusion.tolist(),
        }


def predict(artifact: Path, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities [n, 5] that the SavedModel gives photographs uint8 [n, 224, 224, 3]."""
    serve = tf.saved_model.load(str(artifact)).signatures["serving_default"]
    scores = []
    for first in range(0, len(photos), _BATCH_IMAGES):
        batch = (photos[first : first + _BATCH_IMAGES].astype(np.float32) - 127.5) / 127.5
        (answer,) = serve(tf.constant(batch)).values()
        scores.append(answer.numpy())
    return np.concatenate(scores)


def evaluate(artifact: Path, held_out: Dataset) -> Evaluation:
    """Grades the held-out set with the artifact as it will be served."""
    return agreement(held_out.grades, predict(artifact, held_out.photos).argmax(axis=1))


def agreement(grades: NDArray[np.int64], predicted: NDArray[np.int64]) -> Evaluation:
    """Accuracy and Cohen's kappa with quadratic weights (Cohen 1968, doi:10.1037/h0026256)."""
    every_grade = list(range(GRADES))
    return Evaluation(
        accuracy=float(np.mean(grades == predicted)),
        quadratic_weighted_kappa=float(cohen_kappa_score(grades, predicted, weights="quadratic", labels=every_grade)),
        confusion=confusion_matrix(grades, predicted, labels=every_grade),
    )


def draw_confusion_matrix(evaluation: Evaluation, labels: Sequence[str], path: Path) -> None:
    """Writes the confusion matrix as a PNG, rows true and columns predicted."""
    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    axes = figure.add_subplot()
    counts = evaluation.confusion
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("drawn grade")
    axes.set_title(
        f"Held-out drawn photographs: accuracy {evaluation.accuracy:.3f}, "
        f"QWK {evaluation.quadratic_weighted_kappa:.3f}",
        fontsize=10,
    )
    for (true, predicted), count in np.ndenumerate(counts):
        colour = "white" if count > counts.max() / 2 else "black"
        axes.text(predicted, true, str(count), ha="center", va="center", color=colour)
    figure.savefig(path, dpi=110)
