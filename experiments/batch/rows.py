"""A row for each picture, as JSON lines or CSV: `status` is OK, or the code of what is wrong with it.

{"name": "a/1.jpg", "model": "face-mask", "version": "1.0.0", "status": "OK", "predictions": [{"label": …}]}
name,model,version,status,label_1,score_1,label_2,score_2
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from experiments.batch.errors import ServerFault
from models.registry import Model

OK = "OK"
MOST_PREDICTIONS = 5
_KEYS = {
    "image-classification": "predictions",
    "object-detection": "detections",
    "pose-sequence-classification": "instances",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the picture `name`: predictions, best first, or `error`, in words, with its code as `status`."""

    name: str
    status: str = OK
    predictions: Sequence[Mapping[str, Any]] = ()
    error: str = ""


def row_of(name: str, answer: object, model: Model) -> Row:
    """The row for an answer of the model's server. Raises ServerFault for one that is another model's."""
    spec = model.spec.model
    content = answer if isinstance(answer, dict) else {}
    if isinstance(content.get("error"), dict):
        return Row(name, content["error"]["code"], error=content["error"]["message"])
    if (content.get("model"), content.get("version")) != (spec.name, spec.version):
        said = f"{content['model']} {content.get('version')}" if "model" in content else "no model of the registry"
        raise ServerFault(f"the server answers as {said}, not as {spec.name} {spec.version}; give the model it serves")
    predictions = content[_KEYS[spec.task]]
    return Row(name, predictions=[{"label": each.pop("gloss", each.get("label")), **each} for each in predictions])


class Format(Protocol):
    """How rows are written, each a line."""

    header: str

    def line(self, row: Row) -> str:
        """With its end."""

    def read(self, line: str) -> tuple[str, str, str]:
        """The name, and the model's name and version, of a whole line. Raises ValueError."""


class JsonLines:
    """An object for each picture, with everything that the model answered; detections have their boxes."""

    header = ""

    def __init__(self, model: Model) -> None:
        self._of = {"model": model.spec.name, "version": model.spec.model.version}

    def line(self, row: Row) -> str:
        """With its end."""
        said = {"predictions": row.predictions} if row.status == OK else {"error": row.error}
        content = {"name": row.name, **self._of, "status": row.status, **said}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"

    def read(self, line: str) -> tuple[str, str, str]:
        """The name, and the model's name and version. Raises ValueError."""
        content = json.loads(line)
        if not isinstance(content, dict) or not {"name", "model", "version"} <= content.keys():
            raise ValueError("no row")
        return content["name"], content["model"], content["version"]


class Csv:
    """Labels and scores in columns of their own, as many as the model has labels, five at most; no boxes."""

    def __init__(self, model: Model) -> None:
        self._of = [model.spec.name, model.spec.model.version]
        self._most = min(MOST_PREDICTIONS, len(model.labels))
        scored = [f"{column}_{at}" for at in range(1, self._most + 1) for column in ("label", "score")]
        self.header = _csv_line(["name", "model", "version", "status", *scored])

    def line(self, row: Row) -> str:
        """With its end; cells without a prediction are empty."""
        cells = [cell for each in row.predictions[: self._most] for cell in (each["label"], each["score"])]
        padding = [""] * (2 * self._most - len(cells))
        return _csv_line([row.name, *self._of, row.status, *cells, *padding])

    def read(self, line: str) -> tuple[str, str, str]:
        """The name, and the model's name and version. Raises ValueError."""
        cells = next(csv.reader([line]), [])
        if len(cells) != 4 + 2 * self._most:
            raise ValueError("no row")
        return cells[0], cells[1], cells[2]


FORMATS: Mapping[str, type[JsonLines | Csv]] = {"csv": Csv, "jsonl": JsonLines}


def _csv_line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
