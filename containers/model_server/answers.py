"""Scores -> the bytes of an answer, as JSON or CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
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


def rank(scores: NDArray[np.float32], names: Sequence[str], options: Options) -> Ranking:
    """Name and score, best first, of one instance; equal scores stay in the order of `names`."""
    best = np.arange(len(scores))
    if options.top_k is not None and options.top_k < len(scores):
        least = np.partition(scores, -options.top_k)[-options.top_k]
        best = np.flatnonzero(scores >= least)  # sorting a thousand would take longer than all else here
    best = best[np.argsort(-scores[best], kind="stable")][: options.top_k]
    if options.threshold is not None:
        best = best[scores[best] >= options.threshold]
    values = np.round(scores[best].astype(np.float64), _SCORE_DIGITS)
    return [(names[at], value) for at, value in zip(best.tolist(), values.tolist(), strict=True)]


def rounded(value: float) -> float:
    """`value` with the digits that a float32 holds."""
    return round(float(value), _SCORE_DIGITS)


def as_json(rankings: Sequence[Ranking], model: ModelTable, *, is_batch: bool) -> Answer:
    """`predictions` of the one instance, or `instances` with the predictions of each."""
    each = [{"predictions": [{"label": name, "score": score} for name, score in ranking]} for ranking in rankings]
    return json_answer(model, {"instances": each} if is_batch else each[0])


def json_answer(model: ModelTable, content: Mapping[str, object]) -> Answer:
    """`content`, with the name of the model, its version and its notice."""
    body = {"model": model.name, "version": model.version, **content}
    if model.notice:
        body["notice"] = model.notice
    return Answer(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), JSON)


def as_csv(rankings: Sequence[Ranking]) -> Answer:
    """A row for each instance: label, score, label, score … best first; no header."""
    return csv_answer([cell for prediction in ranking for cell in prediction] for ranking in rankings)


def csv_answer(rows: Iterable[Iterable[object]]) -> Answer:
    """`rows`, without a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return Answer(text.getvalue().encode(), f"{CSV}; charset=utf-8")
