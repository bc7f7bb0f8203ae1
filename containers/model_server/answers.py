"""Scores -> the bytes of an answer, as JSON or CSV."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.media import CSV, JSON
from contract.options import Options
from models.spec import ModelTable

_SCORE_DIGITS = 7  # what a float32 holds

Ranking = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and its content type."""

    content: bytes
    content_type: str


def rank(scores: NDArray[np.float32], labels: Sequence[str], options: Options) -> Ranking:
    """Label and score, best first, of one instance; equal scores stay in the labels' order."""
    best_first = np.argsort(-scores, kind="stable")[: options.top_k]
    floor = 0.0 if options.threshold is None else options.threshold
    return [(labels[at], round(float(scores[at]), _SCORE_DIGITS)) for at in best_first if scores[at] >= floor]


def as_json(rankings: Sequence[Ranking], model: ModelTable, *, is_batch: bool) -> Answer:
    """`predictions` of the one instance, or `instances` with the predictions of each."""
    each = [{"predictions": [{"label": name, "score": score} for name, score in ranking]} for ranking in rankings]
    body: dict[str, object] = {"model": model.name, "version": model.version}
    body |= {"instances": each} if is_batch else each[0]
    if model.notice:
        body["notice"] = model.notice
    return Answer(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), JSON)


def as_csv(rankings: Sequence[Ranking]) -> Answer:
    """A row for each instance: label, score, label, score … best first; no header."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows([cell for prediction in ranking for cell in prediction] for ranking in rankings)
    return Answer(text.getvalue().encode(), f"{CSV}; charset=utf-8")
