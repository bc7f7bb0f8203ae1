"""What a detector is evaluated on, as it lies in a folder; training/data/examples.py has what others are.

    FOLDER/*.jsonl      a line for each picture:
                        {"image": "a.png", "objects": [{"label": "cup", "box": [x0, y0, x1, y1]}]}

A file is read when the model is asked about it, and what the server refuses is corrupt: nobody else judges that.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.examples import Example, inside, number_of, the_only
from training.errors import EmptyChannel, UnusableData
from training.evaluation.detector import Objects


def annotated_examples(data: Path, labels: Sequence[str]) -> list[Example[Objects]]:
    """Every picture of the JSON lines in the folder or file `data`, with the objects that are in it.

    Raises EmptyChannel, UnknownLabel, and UnusableData, naming the line.
    """
    lines = the_only(data, ".jsonl")
    if lines is None:
        raise EmptyChannel(f"{data.name} holds no JSON lines; put one *.jsonl there, with a line for each picture")
    found = []
    for number, line in enumerate(_text(lines).splitlines(), 1):
        place = f"{lines.name}, line {number}"
        if line.strip():
            picture, objects = _annotation(line, labels, place)
            found.append(Example(inside(lines.parent, picture, place), picture, objects))
    if not found:
        raise EmptyChannel(f"{lines.name} holds no picture; give a line for each")
    return found


def refuse_absent(examples: Iterable[Example[Any]]) -> None:
    """Raises UnusableData for one whose file is not there."""
    absent = next((one.name for one in examples if not one.file.is_file()), None)
    if absent is not None:
        raise UnusableData(f"{absent!r} is no file among the data; put it there, or remove its line")


def digest(examples: Iterable[Example[Any]]) -> str:
    """SHA-256 of what the examples hold and what is true of them, in hexadecimal; neither order nor names matter."""
    each = sorted(f"{hashlib.sha256(one.file.read_bytes()).hexdigest()} {one.truth}" for one in examples)
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableData(f"{file.name} is no text in UTF-8; save it as such") from error


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
    classes = np.array([number_of(name, labels, place) for name in named], np.int64)
    return picture, Objects(boxes, classes)


def _are_fractions(boxes: np.ndarray[Any, np.dtype[np.float32]]) -> bool:
    return bool(((boxes >= 0) & (boxes <= 1)).all())
