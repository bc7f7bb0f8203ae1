"""How well the exported artifact tells clips that it has not seen, and the pictures of the model card."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.sign_language.clips import GLOSSES
from models.sign_language.dataset import Dataset, draw_numbered
from sign_language.keypoints import LEFT_HAND, RIGHT_HAND

_TOP = 5
_MOMENTS = ((0.3, "#a6cee3"), (0.45, "#1f78b4"), (0.6, "#08306b"))
_BODY = [(0, 1), (2, 4), (3, 5), (6, 7), (6, 8), (8, 10), (7, 9), (9, 11)]
_HAND = [(knuckle - joint, knuckle - joint - 1) for knuckle in range(4, 24, 4) for joint in range(3)]
_HAND += [(0, knuckle) for knuckle in range(4, 24, 4)]
_LINES = _BODY + [(hand.start + one, hand.start + other) for hand in (LEFT_HAND, RIGHT_HAND) for one, other in _HAND]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """confusion [true, predicted] counts clips, in the order of GLOSSES."""

    confusion: NDArray[np.int64]
    top_5: float

    @property
    def accuracy(self) -> float:
        """Share of clips whose likeliest gloss is the drawn one."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def summary(self) -> dict[str, Any]:
        """The numbers as metrics.json holds them."""
        recalls = np.diag(self.confusion) / self.confusion.sum(axis=1)
        return {
            "accuracy": round(self.accuracy, 4),
            "top_5_accuracy": round(self.top_5, 4),
            "recall": {gloss: round(float(recall), 4) for gloss, recall in zip(GLOSSES, recalls, strict=True)},
            "confusion_matrix": self.confusion.tolist(),
        }


def predict(artifact: Path, clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Probabilities [n, glosses] that model.xml in `artifact` gives normalised clips [frames, 54, 2]."""
    network = openvino.Core().compile_model(artifact / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    logits = np.concatenate([network(clip)[0] for clip in clips])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def evaluate(artifact: Path, held_out: Dataset) -> Evaluation:
    """Classifies the held-out set with the artifact as it will be served on a CPU."""
    return agreement(held_out.labels, predict(artifact, held_out.clips))


def agreement(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Evaluation:
    """How often the drawn sign is the likeliest, or one of the five likeliest."""
    best_first = np.argsort(-probabilities, axis=1, kind="stable")
    confusion = np.zeros((len(GLOSSES), len(GLOSSES)), np.int64)
    np.add.at(confusion, (labels, best_first[:, 0]), 1)
    return Evaluation(confusion, float((best_first[:, :_TOP] == labels[:, None]).any(axis=1).mean()))


def draw_confusion_matrix(evaluation: Evaluation, path: Path) -> None:
    """Writes the confusion matrix as a PNG, rows true and columns predicted."""
    figure = Figure(figsize=(7.5, 7), layout="constrained")
    axes = figure.add_subplot()
    counts = evaluation.confusion
    axes.imshow(counts, cmap="Blues", vmin=0)
    axes.set_xticks(range(len(GLOSSES)), GLOSSES, rotation=90, fontsize=8)
    axes.set_yticks(range(len(GLOSSES)), GLOSSES, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("drawn")
    axes.set_title(f"accuracy {evaluation.accuracy:.3f}, among the first five {evaluation.top_5:.3f}", fontsize=10)
    for (true, predicted), clips in np.ndenumerate(counts):
        if clips:
            shade = "white" if clips > counts.max() / 2 else "black"
            axes.text(predicted, true, str(clips), ha="center", va="center", color=shade, fontsize=7)
    figure.savefig(path, dpi=100)


def draw_examples(seed: int, path: Path) -> None:
    """Writes a clip of each sign, of the set that `seed` makes, as a PNG: three moments of each, later ones darker."""
    figure = Figure(figsize=(10, 8.4), layout="constrained")
    for label, gloss in enumerate(GLOSSES):
        axes = figure.add_subplot(4, 5, label + 1)
        clip = draw_numbered(seed, label)
        for share, colour in _MOMENTS:
            frame = clip[int(share * len(clip))]
            for line in _LINES:
                if frame[line, 0].all():
                    axes.plot(*frame[line, :].T, color=colour, linewidth=0.9)
        axes.set_title(gloss, fontsize=9)
        axes.set_xlim(0, 1)
        axes.set_ylim(1, 0)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.savefig(path, dpi=90)
