"""The examples that a model is evaluated on, as they lie in a folder: each a file and what is true of it.

    FOLDER/<label>/…              a directory per label: pictures, clips, or bodies of requests as *.json
    FOLDER/*.csv                  or one CSV with the columns path and label
    FOLDER/*.jsonl                for a detector, a line for each picture:
                                  {"image": "a.png", "objects": [{"label": "cup", "box": [x0, y0, x1, y1]}]}

A file is read when the model is asked about it, and what the server refuses is corrupt: nobody else judges that.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from training.errors import EmptyChannel, UnknownLabel, UnusableData
from training.evaluation.detector import Objects

Truth = TypeVar("Truth")


@dataclass(frozen=True, slots=True)
class Example(Generic[Truth]):
    """A file, what it is called in the data, and what is true of it."""

    file: Path
    name: str
    truth: Truth


def labelled_examples(data: Path, labels: Sequence[str]) -> list[Example[int]]:
    """Every example in the folder or CSV `data`, with the place of its label in `labels`.

    Raises EmptyChannel, UnknownLabel, and UnusableData for a CSV that is none or names a file that is not there.
    """
    table = _only(data, ".csv")
    found = list(_of_table(table, labels) if table else _of_folders(data, labels))
    if not found:
        raise EmptyChannel(f"{data}: holds no example; give a directory per label, or a CSV of path,label")
    return found


def annotated_examples(data: Path, labels: Sequence[str]) -> list[Example[Objects]]:
    """Every picture of the JSON lines in the folder or file `data`, with the objects that are in it.

    Raises EmptyChannel, UnknownLabel, and UnusableData, naming the line.
    """
    lines = _only(data, ".jsonl")
    if lines is None:
        raise EmptyChannel(f"{data}: holds no JSON lines; put one *.jsonl there, with a line for each picture")
    found = []
    for number, line in enumerate(_text(lines).splitlines(), 1):
        place = f"{lines}, line {number}"
        if line.strip():
            picture, objects = _annotation(line, labels, place)
            found.append(Example(_inside(lines.parent, picture, place), picture, objects))
    if not found:
        raise EmptyChannel(f"{lines}: holds no picture; give a line for each")
    return found


def digest(examples: Sequence[Example[Any]]) -> str:
    """SHA-256 of what the examples hold and what is true of them, in hexadecimal; neither order nor names matter."""
    each = sorted(f"{hashlib.sha256(one.file.read_bytes()).hexdigest()} {one.truth}" for one in examples)
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def _only(data: Path, suffix: str) -> Path | None:
    """`data` itself or the one file in it that ends so."""
    found = [data] if data.is_file() else sorted(data.glob(f"*{suffix}"))
    if len(found) > 1:
        raise UnusableData(f"{data}: holds {len(found)} files *{suffix}; leave one there, or name it")
    return found[0] if found else None


def _of_folders(data: Path, labels: Sequence[str]) -> Iterator[Example[int]]:
    for folder in sorted(path for path in data.glob("*") if path.is_dir() and not path.name.startswith(".")):
        label = _label(folder.name, labels, f"{folder}: a directory")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                yield Example(file, file.relative_to(data).as_posix(), label)


def _of_table(table: Path, labels: Sequence[str]) -> Iterator[Example[int]]:
    rows = csv.DictReader(io.StringIO(_text(table), newline=""))
    if not {"path", "label"} <= set(rows.fieldnames or ()):
        raise UnusableData(f"{table}: has no columns path and label; write path,label as its first line")
    for row in rows:
        place = f"{table}, line {rows.line_num}"
        label = _label(row["label"] or "", labels, place)
        yield Example(_inside(table.parent, row["path"] or "", place), row["path"], label)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableData(f"{file}: is no text in UTF-8; save it as such") from error


def _label(name: str, labels: Sequence[str], place: str) -> int:
    if name not in labels:
        raise UnknownLabel(f"{place}: {name!r} is no label of the model; name one of {', '.join(labels)}")
    return labels.index(name)


def _inside(folder: Path, name: str, place: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_file() or not file.is_relative_to(folder.resolve()):
        raise UnusableData(f"{place}: {name!r} is no file in {folder}; put it there, or remove the line")
    return file


def _annotation(line: str, labels: Sequence[str], place: str) -> tuple[str, Objects]:
    try:
        content = json.loads(line)
        picture, objects = str(content["image"]), content["objects"]
        named = [str(one["label"]) for one in objects]
        boxes = np.array([one["box"] for one in objects], np.float32).reshape(-1, 4)
        is_good = len(boxes) == len(named) and bool((boxes[:, :2] < boxes[:, 2:]).all() and _are_fractions(boxes))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnusableData(f"{place}: is not as it should be; give image, and label and box of each object") from error
    if not is_good:
        raise UnusableData(f"{place}: a box is no [x0, y0, x1, y1] in fractions from 0 to 1, with x0 < x1 and y0 < y1")
    classes = np.array([_label(name, labels, place) for name in named], np.int64)
    return picture, Objects(boxes, classes)


def _are_fractions(boxes: np.ndarray[Any, np.dtype[np.float32]]) -> bool:
    return bool(((boxes >= 0) & (boxes <= 1)).all())
