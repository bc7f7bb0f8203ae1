"""How a detector is evaluated: on pictures with the boxes of what is in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.options import Options
from models.matching import SHOWN_SCORE
from models.spec import ModelSpec
from training.data.examples import Example
from training.evaluation.classification import SHOWN_MISTAKES
from training.evaluation.curves import histogram, thinned
from training.evaluation.detector import DetectorMeasures, Found, Objects
from training.evaluation.examples import annotated_examples

_DIGITS = 6

Truths = Sequence[Example[Objects]]


class Detection:
    """One detector's labels, and what is asked and told of it. A prediction is what it finds in a picture."""

    gated: tuple[str, ...] = ("map_50",)
    positive: str | None = None
    options = Options(threshold=0.0)

    def __init__(self, _spec: ModelSpec, labels: tuple[str, ...]) -> None:
        self.labels = labels

    def examples(self, data: Path) -> list[Example[Objects]]:
        """What lies in `data`. Raises UnusableData."""
        return annotated_examples(data, self.labels)

    def read(self, answer: Mapping[str, Any]) -> Found:
        """The detections in an answer."""
        rows = answer["detections"]
        classes = [self.labels.index(row["label"]) if row["label"] in self.labels else -1 for row in rows]
        boxes = np.array([row["box"] for row in rows], np.float32).reshape(-1, 4)
        return Found(boxes, np.array(classes, np.int64), np.array([row["score"] for row in rows], np.float32))

    def measures(self, examples: Truths, predictions: Sequence[Found]) -> DetectorMeasures:
        """What the bootstrap resamples."""
        return DetectorMeasures([example.truth for example in examples], predictions, len(self.labels))

    def details(self, examples: Truths, predictions: Sequence[Found]) -> dict[str, object]:
        """What the report shows of one model beside its measures, as JSON."""
        curves = dict(zip(self.labels, self.measures(examples, predictions).curves(), strict=True))
        drawn = {}
        for label, curve in curves.items():
            if len(curve.recall):
                kept = thinned(len(curve.recall))
                values = {"recall": curve.recall[kept], "precision": curve.precision[kept]}
                drawn[label] = {name: value.round(_DIGITS).tolist() for name, value in values.items()}
        per_class = [
            {
                "label": label,
                "objects": curve.objects,
                "average_precision": round(curve.average_precision, _DIGITS) if curve.objects else None,
            }
            for label, curve in curves.items()
        ]
        return {"per_class": per_class, "precision_recall": drawn, "histogram": _histogram(examples, predictions)}

    def mistakes(self, examples: Truths, predictions: Sequence[Found]) -> list[dict[str, object]]:
        """The ten pictures with the most that was missed or wrongly found, of what is shown; most first."""
        each = [self._mistake(example, found) for example, found in zip(examples, predictions, strict=True)]
        counted = [(len(one["missed"]) + len(one["wrong"]), float(one["score"])) for one in each]
        worst = sorted(range(len(each)), key=lambda at: counted[at], reverse=True)[:SHOWN_MISTAKES]
        return [each[at] for at in worst if counted[at][0]]

    def _mistake(self, example: Example[Objects], found: Found) -> dict[str, Any]:
        """What is wrong with the picture: names and boxes of the missed and of the wrongly found."""
        is_shown, matched = found.scores >= SHOWN_SCORE, found.matched(example.truth)
        is_wrong = is_shown & (matched < 0)
        is_missed = ~np.isin(np.arange(len(example.truth.classes)), matched[is_shown])
        missed = [self.labels[one] for one in example.truth.classes[is_missed]]
        wrong = [self.labels[one] if one >= 0 else "no label" for one in found.classes[is_wrong]]
        return {
            "file": example.name,
            "is": ", ".join(missed) or "all found",
            "answered": ", ".join(wrong) or "nothing wrong",
            "score": round(float(found.scores[is_wrong].max(initial=0.0)), _DIGITS),
            "missed": _as_json(example.truth.boxes[is_missed]),
            "wrong": _as_json(found.boxes[is_wrong]),
        }


def _histogram(examples: Truths, predictions: Sequence[Found]) -> dict[str, object]:
    scores = np.concatenate([found.scores for found in predictions]).astype(np.float64)
    pairs = zip(examples, predictions, strict=True)
    is_right = np.concatenate([found.matched(example.truth) >= 0 for example, found in pairs])
    groups = {"found rightly": histogram(scores[is_right]), "found wrongly": histogram(scores[~is_right])}
    return {"of": "the score of a detection", "counts": "detections", "groups": groups}


def _as_json(boxes: NDArray[np.float32]) -> list[list[float]]:
    rounded: list[list[float]] = boxes.astype(np.float64).round(4).tolist()
    return rounded
