"""How well an exported artifact tells slices that it has not seen, and the pictures of the model card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import confusion_matrix, roc_auc_score

from models.brain_tumor.dataset import Dataset
from models.brain_tumor.preprocess import prepare

_BATCH_IMAGES = 25
_YES = 1
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Evaluation:
    """confusion [true, predicted] counts slices, "no" first; the area is that below the ROC curve."""

    confusion: NDArray[np.int64]
    roc_auc: float

    def summary(self) -> dict[str, Any]:
        """The numbers as metrics.json holds them: precision, recall and F1 are those of "yes"."""
        (true_no, false_yes), (false_no, true_yes) = self.confusion.tolist()
        found, called = true_yes + false_no, true_yes + false_yes
        precision = true_yes / called if called else 0.0
        recall = true_yes / found
        numbers = {
            "accuracy": (true_no + true_yes) / int(self.confusion.sum()),
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / (precision + recall) if true_yes else 0.0,
            "roc_auc": self.roc_auc,
        }
        return {name: round(number, 4) for name, number in numbers.items()} | {
            "confusion_matrix": self.confusion.tolist()
        }


def predict(artifact: Path, slices: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities [n, 2] that model.xml in `artifact` gives greyscale slices [n, height, width]."""
    network = openvino.Core().compile_model(artifact / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    logits = np.concatenate(
        [network(prepare(slices[first : first + _BATCH_IMAGES]))[0] for first in range(0, len(slices), _BATCH_IMAGES)]
    )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def evaluate(artifact: Path, held_out: Dataset) -> Evaluation:
    """Classifies the held-out set with the artifact as it will be served on a CPU."""
    return agreement(held_out.labels, predict(artifact, held_out.slices)[:, _YES])


def agreement(labels: NDArray[np.int64], yes: NDArray[np.float32]) -> Evaluation:
    """`yes` is the probability of a tumour; from one half on it is called one."""
    return Evaluation(
        confusion=confusion_matrix(labels, (yes >= 0.5).astype(int), labels=[0, _YES]),
        roc_auc=float(roc_auc_score(labels, yes)),
    )


def draw_confusion_matrices(evaluations: Mapping[str, Evaluation], labels: Sequence[str], path: Path) -> None:
    """Writes the confusion matrices of the networks side by side as a PNG, rows true and columns predicted."""
    figure = Figure(figsize=(3.6 * len(evaluations), 3.6), layout="constrained")
    for place, (name, evaluation) in enumerate(evaluations.items(), start=1):
        axes = figure.add_subplot(1, len(evaluations), place)
        counts = evaluation.confusion
        axes.imshow(counts, cmap="Blues", vmin=0)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("predicted")
        axes.set_ylabel("drawn")
        axes.set_title(f"{name}\naccuracy {evaluation.summary()['accuracy']:.3f}", fontsize=10)
        for (true, predicted), count in np.ndenumerate(counts):
            colour = "white" if count > counts.max() / 2 else "black"
            axes.text(predicted, true, str(count), ha="center", va="center", color=colour)
    figure.savefig(path, dpi=110)


def draw_examples(dataset: Dataset, path: Path) -> None:
    """Writes the first slices of a set as a PNG: those without a tumour above, those with one below."""
    rows = [np.hstack(dataset.slices[dataset.labels == label][:_SHOWN]) for label in (0, _YES)]
    Image.fromarray(np.vstack(rows)).save(path, optimize=True)
