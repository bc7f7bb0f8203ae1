"""The clips in one file of landmarks, be it HDF5, NPZ, the CSV of SPOTER's published data sets, or a request's body.

    *.h5, *.hdf5, *.npz   an array (frames, 54, 2) for each clip, called GLOSS/CLIP, such as BOOK/0001
    *.csv                 a row for each clip: `labels`, and in each of `nose_X`, `nose_Y` … a list, one number a frame
    GLOSS/*.json          the body of a request, {"keypoints_list": [frames x 54 x 2 or frames x 2 x 54]}

A gloss may hold a slash itself: what is after the last one names the clip.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sign_language.keypoints import BODY, COUNT, HAND
from training.errors import UnusableData

Array = NDArray[Any]

REQUEST = ".json"
_LABEL = "labels"
_SIDES = (("0", "left", "Left"), ("1", "right", "Right"))
"""How the published files spell a hand: by number in most, by name in the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip in a file, not yet read: where it is there, its gloss, and what reads it or fails."""

    name: str
    gloss: str
    read: Callable[[], Array]


@contextmanager
def _hdf5(file: Path) -> Iterator[Iterator[Entry]]:
    with h5py.File(file, "r") as opened:
        names: list[str] = []
        opened.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        yield (Entry(name, _gloss(file, name), partial(_whole, opened, name)) for name in sorted(names))


def _whole(opened: Any, name: str) -> Array:
    content: Array = np.asarray(opened[name][()])
    return content


@contextmanager
def _npz(file: Path) -> Iterator[Iterator[Entry]]:
    with np.load(file, allow_pickle=False) as opened:
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise ValueError("is a single array; save it with numpy.savez")  # noqa: TRY004 as of any damaged file
        yield (Entry(name, _gloss(file, name), partial(opened.__getitem__, name)) for name in sorted(opened.files))


def _gloss(file: Path, name: str) -> str:
    gloss = name.rpartition("/")[0]
    if not gloss:
        raise UnusableData(f"{file.name}: the array {name} has no gloss; call each clip GLOSS/CLIP, such as BOOK/0001")
    return gloss


@contextmanager
def _csv(file: Path) -> Iterator[Iterator[Entry]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened, strict=True)
        columns = _columns(file, rows.fieldnames or ())
        yield (
            Entry(f"line {rows.line_num}", (row[_LABEL] or "").strip(), partial(_from_lists, row, columns))
            for row in rows
        )


def _columns(file: Path, named: Sequence[str]) -> list[str]:
    """The columns of x and y of the 54 landmarks in turn. Raises UnusableData for one that is not there."""
    hands = [[f"{joint}_{word}" for word in side] for side in _SIDES for joint in HAND]
    spellings = [
        [f"{name}_{axis}" for name in names] for names in [*([joint] for joint in BODY), *hands] for axis in "XY"
    ]
    for names in [*spellings, [_LABEL]]:
        if not set(names) & set(named):
            raise UnusableData(f"{file.name} has no column {names[0]}; it needs {_LABEL}, and x and y of all landmarks")
    return [next(name for name in names if name in named) for names in spellings]


def _from_lists(row: Mapping[str, str], columns: list[str]) -> Array:
    numbers = np.array([json.loads(row[column]) for column in columns], np.float64)
    return numbers.reshape(COUNT, 2, -1).transpose(2, 0, 1)


@contextmanager
def _request(file: Path) -> Iterator[Iterator[Entry]]:
    yield iter([Entry("keypoints_list", file.parent.name, partial(_from_request, file))])


def _from_request(file: Path) -> Array:
    clip = np.array(json.loads(file.read_bytes())["keypoints_list"], np.float64)
    return clip.transpose(0, 2, 1) if clip.shape[1:] == (2, COUNT) else clip


def write_request(file: Path, clip: Array) -> Path:
    """Writes `clip` (frames, 54, 2) as the body of a request; gives `file`."""
    file.write_text(json.dumps({"keypoints_list": clip.tolist()}), encoding="utf-8")
    return file


READERS: Mapping[str, Callable[[Path], Any]] = {
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npz": _npz,
    ".csv": _csv,
    REQUEST: _request,
}
"""Ending of a file -> what opens it as a context: its entries, one after another."""
