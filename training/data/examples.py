"""Which pictures a channel holds and what each one shows, read without opening any of them.

Either a folder for each label, named as in model.toml, or one CSV file with the columns `path` (or `image`) and `label`
beside the pictures.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from training.errors import EmptyChannel, UnknownLabel, UnusableData

_PATHS, _LABEL = ("path", "image"), "label"


@dataclass(frozen=True, slots=True)
class Example:
    """A picture's file and the number of its label."""

    file: Path
    label: int


def read_examples(channel: Path, labels: Sequence[str]) -> Sequence[Example]:
    """Those of the folder `channel`, by label and name or in the order of the CSV file; some of each label.

    Raises UnknownLabel, EmptyChannel, UnusableData.
    """
    tables = sorted(channel.glob("*.csv"))
    if len(tables) > 1:
        raise UnusableData(f"{channel.name} holds {tables[0].name} and {tables[1].name}; leave the one that labels it")
    examples = list(_listed(tables[0], labels) if tables else _in_folders(channel, labels))
    refuse_missing(examples, labels, f"{tables[0].name} names" if tables else f"{channel.name} holds")
    return examples


def refuse_missing(examples: Sequence[Example], labels: Sequence[str], where: str) -> None:
    """Raises EmptyChannel unless there is an example of each label; `where` begins the sentence."""
    found = {one.label for one in examples}
    missing = [name for number, name in enumerate(labels) if number not in found]
    if missing:
        raise EmptyChannel(f"{where} no picture of {', '.join(missing)}; the model needs some of each of its labels")


def _in_folders(channel: Path, labels: Sequence[str]) -> Iterator[Example]:
    folders = [folder for folder in sorted(channel.iterdir()) if folder.is_dir() and not _is_hidden(folder)]
    if not folders:
        raise UnusableData(
            f"{channel.name} has no folders; put the pictures into one for each label ({', '.join(labels)}), "
            "or add a CSV file with the columns path and label"
        )
    for folder in folders:
        number = _number(folder.name, labels, f"the folder {channel.name}/{folder.name}")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not _is_hidden(file):
                yield Example(file, number)


def _listed(table: Path, labels: Sequence[str]) -> Iterator[Example]:
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
                yield Example(_inside(table.parent, path, place), _number(label.strip(), labels, place))
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnusableData(f"{table.name} is no CSV in UTF-8: {error}; save it as such") from error


def _inside(folder: Path, path: str, place: str) -> Path:
    parts = PurePosixPath(path.strip())
    if parts.is_absolute() or ".." in parts.parts or "\0" in path:
        raise UnusableData(f"{place}: {path!r} leads out of the channel; give paths from the CSV file's own folder")
    return folder / parts


def _number(label: str, labels: Sequence[str], place: str) -> int:
    if label not in labels:
        raise UnknownLabel(f"{place}: {label!r} is no label of this model; it knows {', '.join(labels)}")
    return labels.index(label)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")  # .DS_Store, .ipynb_checkpoints
