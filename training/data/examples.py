"""Examples as they lie in a folder: each a file and what is true of it, read without opening any but the table.

FOLDER/<label>/…    a directory for each label, named as in model.toml
FOLDER/*.csv        or one CSV with the columns path (or image) and label, beside the files
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

from training.errors import EmptyChannel, UnknownLabel, UnusableData

_PATHS, _LABEL = ("path", "image"), "label"

Truth = TypeVar("Truth")


@dataclass(frozen=True, slots=True)
class Example(Generic[Truth]):
    """A file, what it is called in the data, and what is true of it."""

    file: Path
    name: str
    truth: Truth


def labelled_examples(data: Path, labels: Sequence[str]) -> list[Example[int]]:
    """Those of the folder or CSV file `data`, in order of name or of the CSV; the truth is a place in `labels`.

    Whether a file that a CSV names is there, its reader sees. Raises UnknownLabel, EmptyChannel, UnusableData.
    """
    table = the_only(data, ".csv")
    found = list(_listed(table, labels) if table else _in_folders(data, labels))
    if not found:
        raise EmptyChannel(f"{data.name} holds no example; give a folder for each label, or a CSV of path,label")
    return found


def refuse_missing(examples: Sequence[Example[int]], labels: Sequence[str], where: str) -> None:
    """Raises EmptyChannel unless there is an example of each label; `where` begins the sentence."""
    found = {one.truth for one in examples}
    missing = [name for number, name in enumerate(labels) if number not in found]
    if missing:
        raise EmptyChannel(f"{where} no picture of {', '.join(missing)}; the model needs some of each of its labels")


def the_only(data: Path, suffix: str) -> Path | None:
    """`data` itself, or the one file in it that ends so. Raises UnusableData for several."""
    found = [data] if data.is_file() else sorted(data.glob(f"*{suffix}"))
    if len(found) > 1:
        raise UnusableData(f"{data.name} holds {found[0].name} and {found[1].name}; leave one of them there")
    return found[0] if found else None


def number_of(label: str, labels: Sequence[str], place: str) -> int:
    """Its place in `labels`. Raises UnknownLabel, which begins with `place`."""
    if label not in labels:
        known = ", ".join(labels)
        raise UnknownLabel(
            f"{place}: {label!r} is no label of this model; it knows {known}: rename it, or change labels in model.toml"
        )
    return labels.index(label)


def inside(folder: Path, path: str, place: str) -> Path:
    """The file `path` below `folder`. Raises UnusableData for one that leads out of it."""
    parts = PurePosixPath(path.strip())
    if parts.is_absolute() or ".." in parts.parts or "\0" in path:
        raise UnusableData(f"{place}: {path!r} leads out of {folder.name}; give paths from that folder on")
    return folder / parts


def _in_folders(data: Path, labels: Sequence[str]) -> Iterator[Example[int]]:
    folders = [folder for folder in sorted(data.glob("*")) if folder.is_dir() and not _is_hidden(folder)]
    if not folders:
        raise EmptyChannel(
            f"{data.name} has no folders; put the examples into one for each label ({', '.join(labels)}), "
            "or add a CSV file with the columns path and label"
        )
    for folder in folders:
        number = number_of(folder.name, labels, f"the folder {data.name}/{folder.name}")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not _is_hidden(file):
                yield Example(file, file.relative_to(data).as_posix(), number)


def _listed(table: Path, labels: Sequence[str]) -> Iterator[Example[int]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened, strict=True)
            path_column = next((name for name in _PATHS if name in (rows.fieldnames or ())), None)
            if path_column is None or _LABEL not in (rows.fieldnames or ()):
                raise UnusableData(f"{table.name} has no columns path and label; name them in its first line")
            for row in rows:
                place = f"{table.name}, line {rows.line_num}"
                path, label = row[path_column], row[_LABEL]
                if not path or label is None:
                    raise UnusableData(f"{place}: the path or the label is missing; complete the line")
                yield Example(inside(table.parent, path, place), path, number_of(label.strip(), labels, place))
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnusableData(f"{table.name} is no CSV in UTF-8: {error}; save it as such") from error


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")  # .DS_Store, .ipynb_checkpoints
