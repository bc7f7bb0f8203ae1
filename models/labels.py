"""The names of a model's outputs: a list in model.toml, or a file beside the weights that the user brought along.

Reads TensorFlow's label maps (`item { id: 1 name: "cat" }`, protocol buffer text), a JSON list, and a JSON object
from name to number or from number to name.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from models.spec import FIRST_CLASS_ID, ModelSpec, SpecError

Labels = Mapping[int, str]
"""Class id -> name, ordered by id."""

MAX_FILE_BYTES = 4 * 1_048_576  # a hundred thousand names

_QUOTES = ("'", '"')
_PIECE = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+'|[{}\"']|[\w.+/-]+")


def read_labels(spec: ModelSpec, folder: Path) -> Labels:
    """The labels of `spec`, whose artifact lies in `folder`. Raises SpecError, naming file and remedy."""
    given = spec.model.labels
    if isinstance(given, tuple):
        return dict(enumerate(given, FIRST_CLASS_ID.get(spec.model.task, 0)))
    file = folder / given
    try:
        text = _text(file)
        labels = _from_label_map(text) if file.suffix == ".pbtxt" else _from_json(text, spec.model.task)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([f"model.labels: {file} cannot be read; put it there, or list the labels"]) from error
    except (ValueError, RecursionError) as error:
        raise SpecError([f"model.labels: {file}: {error}"]) from error
    if any("\ud800" <= letter <= "\udfff" for name in labels.values() for letter in name):
        raise SpecError([f"model.labels: {file}: holds half a character (\\ud800 to \\udfff); write it whole"])
    if len(labels) < 2 or len(set(labels.values())) != len(labels) or not all(labels.values()):
        raise SpecError([f"model.labels: {file}: needs two labels or more, none of them empty and none twice"])
    return dict(sorted(labels.items()))


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"is larger than {MAX_FILE_BYTES} bytes; keep the names only")
    return content.decode("utf-8")


def _from_label_map(text: str) -> Labels:
    labels: dict[int, str] = {}
    item: dict[str, str] = {}
    key, depth = "", 0
    for found in _PIECE.finditer(text):
        piece = found[0]
        if piece in _QUOTES:
            raise ValueError("a text in quotes has no end")
        if piece == "{":
            depth, key = depth + 1, ""
            item = {} if depth == 1 else item
        elif piece == "}":
            depth, key = depth - 1, ""
            if depth == 0:
                labels |= _named(item)
        elif depth == 1 and not piece.startswith("#"):
            if key:
                item[key] = re.sub(r"\\(.)", r"\1", piece[1:-1]) if piece[0] in _QUOTES else piece
            key = "" if key else piece
    if not labels:
        raise ValueError('holds no item { id: 1 name: "…" }')
    return labels


def _named(item: Mapping[str, str]) -> Labels:
    name = item.get("display_name") or item.get("name")
    if not name or not item.get("id", "").isdigit():
        raise ValueError("an item has no id or no name")
    return {int(item["id"]): name}


def _from_json(text: str, task: str) -> Labels:
    content = json.loads(text)
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return dict(enumerate(content, FIRST_CLASS_ID.get(task, 0)))
    if isinstance(content, dict) and all(type(number) is int for number in content.values()):
        return {number: name for name, number in content.items()}
    if isinstance(content, dict) and all(key.isdigit() and isinstance(name, str) for key, name in content.items()):
        return {int(key): name for key, name in content.items()}
    raise ValueError('is neither a list of names, nor {"name": number}, nor {"number": "name"}')
