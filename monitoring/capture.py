"""SageMaker's captured lines -> the pictures that were sent and what was answered.

    {"captureData": {"endpointInput": {"observedContentType", "mode", "data", "encoding"}, "endpointOutput": {…}},
     "eventMetadata": {"eventId", "inferenceTime": "2026-11-27T03:00:00Z"}, "eventVersion": "0"}

(SageMaker developer guide, "Capture data from real-time endpoint"; the files lie below endpoint/variant/yyyy/mm/dd/hh.)
A line that is damaged is counted and skipped.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contract.errors import ApiError
from contract.media import IMAGES, JSON
from contract.options import Options
from model_server.payload import read_payload
from monitoring.errors import CaptureFault
from monitoring.features import of_answer, of_pictures
from monitoring.stability import FEWEST, Value

MOST_DAMAGED = 0.01


@dataclass(frozen=True, slots=True)
class Captured:
    """What was seen since a time: each feature's values; how many `lines`, `damaged` ones and `unusable` pictures."""

    values: Mapping[str, list[Value]]
    counts: Mapping[str, int]
    first: datetime
    last: datetime


def read_captured(folder: Path, since: datetime) -> Captured:
    """All lines below `folder` from `since` on. Raises CaptureFault when they do not do for a comparison."""
    values: dict[str, list[Value]] = {}
    counts, times = Counter[str](), list[datetime]()
    for line in _lines(folder):
        try:
            time, pictures, answer, unusable = _read(line, since)
        except (ValueError, KeyError, TypeError, AttributeError):
            counts["damaged"] += 1
            continue
        if time < since:
            continue
        times.append(time)
        counts["unusable"] += unusable
        for seen in (*pictures, answer):
            for name, value in seen.items():
                values.setdefault(name, []).append(value)
    counts["lines"] = len(times)
    _refuse_what_does_not_do(folder, since, counts)
    return Captured(values, dict(counts), min(times), max(times))


def _refuse_what_does_not_do(folder: Path, since: datetime, counts: Mapping[str, int]) -> None:
    damaged, lines = counts.get("damaged", 0), counts["lines"]
    if damaged > MOST_DAMAGED * (damaged + lines):
        raise CaptureFault(f"{folder}: {damaged} of {damaged + lines} lines are damaged, over 1 %; look at them")
    if not lines:
        raise CaptureFault(f"{folder}: nothing captured since {since:%Y-%m-%d %H:%M}; is data_capture on, and used?")
    if lines < FEWEST:
        raise CaptureFault(f"{folder}: {lines} lines are too few to compare, {FEWEST} at least; give more --days")


def _lines(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.jsonl")):
        with file.open(encoding="utf-8", errors="replace") as opened:
            yield from (line for line in opened if line.strip())


def _read(line: str, since: datetime) -> tuple[datetime, list[dict[str, Value]], dict[str, Value], int]:
    """When it was, and what is compared of it. Raises ValueError, KeyError, TypeError, AttributeError."""
    content = json.loads(line)
    time = datetime.fromisoformat(content["eventMetadata"]["inferenceTime"])
    data = content["captureData"]
    if "endpointInput" not in data and "endpointOutput" not in data:
        raise ValueError("neither input nor output")
    if time < since:
        return time, [], {}, 0
    pictures, unusable = _pictures(data.get("endpointInput"))
    return time, pictures, _answer(data.get("endpointOutput")), unusable


def _pictures(sent: Mapping[str, Any] | None) -> tuple[list[dict[str, Value]], int]:
    """None of what is no picture, such as landmarks."""
    if sent is None:
        return [], 0
    media_type = sent["observedContentType"].partition(";")[0].strip().lower()
    if media_type in IMAGES:
        return of_pictures((_body(sent),))
    if media_type != JSON:
        return [], 0
    try:
        return of_pictures(read_payload(_body(sent), JSON, Options()).images)
    except ApiError:
        return [], 1


def _answer(answered: Mapping[str, Any] | None) -> dict[str, Value]:
    if answered is None or not answered["observedContentType"].startswith(JSON):
        return {}
    return of_answer(json.loads(_body(answered)))


def _body(part: Mapping[str, Any]) -> bytes:
    """Raises ValueError."""
    data: str = part["data"]
    return base64.b64decode(data, validate=True) if part["encoding"] == "BASE64" else data.encode()
