"""How a classifier is evaluated: of pictures, or of signs given as landmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from contract.limits import REQUESTS
from contract.options import Options
from models.spec import ModelSpec
from training.data.examples import Example, labelled_examples
from training.errors import UnusableModel
from training.evaluation.bootstrap import Floats
from training.evaluation.calibration import expected_calibration_error, reliability
from training.evaluation.classifier import Answers, ClassifierMeasures
from training.evaluation.curves import histogram, roc_curve

SHOWN_MISTAKES = 10
_GATED = {
    "image-classification": ("f1", "precision", "roc_auc"),
    "pose-sequence-classification": ("f1", "precision", "accuracy"),
}
_DIGITS = 6

Truths = Sequence[Example[int]]


class Classification:
    """One classifier's labels, and what is asked and told of it. A prediction is a probability per label, [classes]."""

    def __init__(self, spec: ModelSpec, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.gated: tuple[str, ...] = _GATED[spec.model.task]
        self.options = Options(top_k=min(len(labels), REQUESTS.max_top_k))
        is_binary = spec.model.task == "image-classification" and len(labels) == 2
        named = labels[1] if spec.output.positive is None else spec.output.positive
        self.positive = named if is_binary else None
        self._positive = labels.index(named) if is_binary else None

    def examples(self, data: Path) -> list[Example[int]]:
        """What lies in `data`. Raises UnusableData."""
        return labelled_examples(data, self.labels)

    def read(self, answer: Mapping[str, Any]) -> Floats:
        """The probabilities in an answer, in the order of the labels."""
        rows = answer["predictions"] if "predictions" in answer else answer["instances"]
        told = {row["label"] if "label" in row else row["gloss"]: float(row["score"]) for row in rows}
        if not set(told) <= set(self.labels):
            raise UnusableModel(f"a model answers {min(set(told) - set(self.labels))!r}, which is no label of it")
        return np.array([told.get(label, 0.0) for label in self.labels])

    def measures(self, examples: Truths, predictions: Sequence[Floats]) -> ClassifierMeasures:
        """What the bootstrap resamples."""
        return ClassifierMeasures(self._answers(examples, predictions))

    def details(self, examples: Truths, predictions: Sequence[Floats]) -> dict[str, object]:
        """What the report shows of one model beside its measures, as JSON."""
        answers = self._answers(examples, predictions)
        bins = reliability(answers)
        return {
            "per_class": [self._of_class(answers, number) for number in range(len(self.labels))],
            "confusion": answers.confusion().tolist(),
            "calibration": {
                "expected_calibration_error": round(expected_calibration_error(bins), _DIGITS),
                "bins": [asdict(one) for one in bins],
            },
            "roc": self._curves(answers),
            "histogram": self._histogram(answers),
        }

    def mistakes(self, examples: Truths, predictions: Sequence[Floats]) -> list[dict[str, object]]:
        """The ten examples with the surest wrong answers, surest first."""
        answers = self._answers(examples, predictions)
        wrong = np.flatnonzero(answers.predicted != answers.labels)
        surest = wrong[np.argsort(-answers.probabilities[wrong].max(axis=1), kind="stable")][:SHOWN_MISTAKES]
        return [
            {
                "file": examples[at].name,
                "is": self.labels[answers.labels[at]],
                "answered": self.labels[answers.predicted[at]],
                "score": round(float(answers.probabilities[at].max()), _DIGITS),
            }
            for at in surest
        ]

    def _answers(self, examples: Truths, predictions: Sequence[Floats]) -> Answers:
        labels = np.array([example.truth for example in examples], np.int64)
        return Answers(labels, np.stack(predictions), self._positive)

    def _of_class(self, answers: Answers, number: int) -> dict[str, object]:
        alone = ClassifierMeasures(Answers(answers.labels, answers.probabilities, positive=number))
        values = {name: float(value[0]) for name, value in alone(np.ones((1, len(answers.labels)))).items()}
        told = {
            name: round(values[name], _DIGITS) if np.isfinite(values[name]) else None
            for name in ("precision", "recall", "f1", "roc_auc")
        }
        return {"label": self.labels[number], "examples": int((answers.labels == number).sum()), **told}

    def _curves(self, answers: Answers) -> dict[str, dict[str, list[float]]]:
        """Label -> its ROC curve; of a binary classifier the positive label's alone."""
        wanted = range(len(self.labels)) if self._positive is None else [self._positive]
        curves = {}
        for number in wanted:
            is_class = answers.labels == number
            if is_class.any() and not is_class.all():
                false, true = roc_curve(is_class, answers.probabilities[:, number])
                rates = {"false_positive_rate": false, "true_positive_rate": true}
                curves[self.labels[number]] = {name: rate.round(_DIGITS).tolist() for name, rate in rates.items()}
        return curves

    def _histogram(self, answers: Answers) -> dict[str, object]:
        """Of the positive label's score for each label; with more labels, of the best score where right and wrong."""
        if self._positive is None:
            best, is_right = answers.probabilities.max(axis=1), answers.predicted == answers.labels
            groups = {"answered rightly": histogram(best[is_right]), "answered wrongly": histogram(best[~is_right])}
            return {"of": "the best score", "counts": "examples", "groups": groups}
        scores = answers.probabilities[:, self._positive]
        groups = {label: histogram(scores[answers.labels == number]) for number, label in enumerate(self.labels)}
        return {"of": f"the score of {self.positive}", "counts": "examples", "groups": groups}
