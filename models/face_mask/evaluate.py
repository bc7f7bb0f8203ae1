"""Measures an exported artifact on the held-out set, and draws the confusion matrix and the ROC curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score, roc_curve

from models.face_mask.dataset import LABELS, Dataset
from models.face_mask.mask import Worn
from models.face_mask.training import preprocess

_BATCH_IMAGES = 50
_WITH_MASK = Worn.PROPERLY.label


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a set was answered. with_mask is the positive class; confusion [true, predicted] counts images."""

    labels: NDArray[np.int64]
    scores: NDArray[np.float32]  # of with_mask
    precision: float
    recall: float
    f1: float
    roc_auc: float
    confusion: NDArray[np.int64]
    correct_by_wearing: dict[str, float]

    @property
    def accuracy(self) -> float:
        """The share of images that got their label."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def summary(self) -> dict[str, Any]:
        """The same numbers as metrics.json holds them, rounded to four places."""
        return {
            "accuracy": round(self.accuracy, 4),
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "roc_auc": round(self.roc_auc, 4),
            "accuracy_by_wearing": {name: round(share, 4) for name, share in self.correct_by_wearing.items()},
            "confusion_matrix": self.confusion.tolist(),
        }


def predict(artifact: Path, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities [n, 2] that the SavedModel gives portraits uint8 [n, 96, 96, 3]."""
    serve = tf.saved_model.load(str(artifact)).signatures["serving_default"]
    scores = []
    for first in range(0, len(photos), _BATCH_IMAGES):
        (answer,) = serve(tf.constant(preprocess(photos[first : first + _BATCH_IMAGES]))).values()
        scores.append(answer.numpy())
    return np.concatenate(scores)


def evaluate(artifact: Path, held_out: Dataset) -> Evaluation:
    """Judges the held-out set with the artifact as it will be served."""
    return agreement(held_out, predict(artifact, held_out.photos))


def agreement(dataset: Dataset, scores: NDArray[np.float32]) -> Evaluation:
    """Compares probabilities [n, 2] with the labels of the set."""
    predicted = scores.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        dataset.labels, predicted, pos_label=_WITH_MASK, average="binary", zero_division=0.0
    )
    right, worn = predicted == dataset.labels, np.array(dataset.worn)
    return Evaluation(
        labels=dataset.labels,
        scores=scores[:, _WITH_MASK],
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        roc_auc=float(roc_auc_score(dataset.labels == _WITH_MASK, scores[:, _WITH_MASK])),
        confusion=confusion_matrix(dataset.labels, predicted, labels=list(range(LABELS))),
        correct_by_wearing={one.name.lower(): float(right[worn == one].mean()) for one in Worn if (worn == one).any()},
    )


def draw_confusion_matrix(evaluation: Evaluation, labels: Sequence[str], path: Path) -> None:
    """Writes the confusion matrix as a PNG, rows true and columns predicted."""
    figure = Figure(figsize=(4.6, 4), layout="constrained")
    axes = figure.add_subplot()
    counts = evaluation.confusion
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("drawn")
    axes.set_title(f"Held-out drawn portraits: accuracy {evaluation.accuracy:.3f}, F1 {evaluation.f1:.3f}", fontsize=10)
    for (true, predicted), count in np.ndenumerate(counts):
        colour = "white" if count > counts.max() / 2 else "black"
        axes.text(predicted, true, str(count), ha="center", va="center", color=colour)
    figure.savefig(path, dpi=110)


def draw_roc_curve(evaluation: Evaluation, path: Path) -> None:
    """Writes the receiver operating characteristic of with_mask as a PNG."""
    figure = Figure(figsize=(4.6, 4), layout="constrained")
    axes = figure.add_subplot()
    false_positives, true_positives, _ = roc_curve(evaluation.labels == _WITH_MASK, evaluation.scores)
    axes.plot([0, 1], [0, 1], color="lightgrey", linewidth=1)
    axes.plot(false_positives, true_positives, color="tab:blue")
    axes.set_xlabel("without_mask taken for with_mask")
    axes.set_ylabel("with_mask found")
    axes.set_title(f"Held-out drawn portraits: ROC AUC {evaluation.roc_auc:.4f}", fontsize=10)
    figure.savefig(path, dpi=110)
