"""The clips of isolated signs in a channel: each checked as the model server checks a request, the unusable counted."""

import csv
import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from tqdm import tqdm

from contract.limits import VIDEOS
from sign_language.keypoints import COUNT, FARTHEST, Landmarks
from training.data.landmark_files import READERS, REQUEST, Array, Entry
from training.errors import CorruptData, EmptyChannel, UnknownLabel

_UNREADABLE = (
    *(OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError),
    *(csv.Error, zipfile.BadZipFile, zlib.error),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clip:
    """Landmarks (frames, 54, 2) as fractions of the picture, 0, 0 where none was found, and the sign they show."""

    landmarks: Landmarks
    gloss: str


def read_clips(channel: Path, labels: Mapping[int, str] | None = None) -> list[Clip]:
    """All clips in the files of `channel`, in the order of their names.

    With `labels`, number -> gloss, a gloss that is a number is the one of that number, and one that is none of them is
    refused. Clips that cannot be used are skipped, with a warning each. Raises EmptyChannel, UnknownLabel, CorruptData,
    UnusableData.
    """
    files = [file for file in sorted(channel.rglob("*")) if _may_hold_clips(channel, file)]
    if not files:
        raise EmptyChannel(
            f"the channel {channel.name} holds no file that ends in {', '.join(READERS)}; put clips there"
        )
    reading = _Reading(channel, labels)
    clips = []
    with tqdm(desc=f"reading {channel.name}", unit="clip") as bar:
        for clip in chain.from_iterable(map(reading.clips_of, files)):
            clips.append(clip)
            bar.update()
    reading.refuse_corrupt(len(files))
    if not clips:
        raise EmptyChannel(f"the files of the channel {channel.name} hold no clip; the first is {files[0].name}")
    return clips


def _may_hold_clips(channel: Path, file: Path) -> bool:
    """A hidden file does not; nor does JSON that lies in no folder of a gloss, such as labels.json."""
    is_loose = file.suffix.lower() == REQUEST and file.parent == channel
    return file.suffix.lower() in READERS and file.is_file() and not file.name.startswith(".") and not is_loose


class _Reading:
    """How a channel's files are read so far: clips there were, and what is wrong with those left out."""

    def __init__(self, channel: Path, labels: Mapping[int, str] | None) -> None:
        self._channel, self._labels = channel, labels
        self._clips = self._damaged_files = 0
        self._faults: list[str] = []

    def clips_of(self, file: Path) -> Iterator[Clip]:
        """Those of `file` that can be used. Raises UnknownLabel, UnusableData."""
        try:
            with READERS[file.suffix.lower()](file) as entries:
                for entry in entries:
                    yield from self._checked(file, entry)
        except _UNREADABLE as error:
            self._damaged_files += 1
            self._clips += 1
            self._faults.append(f"{self._name(file)} cannot be read: {error}")

    def _checked(self, file: Path, entry: Entry) -> Iterator[Clip]:
        place = f"{self._name(file)}, {entry.name}"
        self._clips += 1
        gloss = self._gloss(place, entry.gloss)
        try:
            content = entry.read()
            fault = _fault_of(content) if gloss else "has no gloss"
        except _UNREADABLE as error:
            fault = f"cannot be read: {error}"
        if fault:
            self._faults.append(f"{place} {fault}")
        else:
            yield Clip(content.astype(np.float32), gloss)

    def _name(self, file: Path) -> str:
        return file.relative_to(self._channel).as_posix()

    def _gloss(self, place: str, given: str) -> str:
        if self._labels is None or given in self._labels.values() or not given:
            return given
        if given.isdecimal() and int(given) in self._labels:
            return self._labels[int(given)]
        raise UnknownLabel(f"{place} shows {given!r}, which the labels do not have; leave it out, or add it to them")

    def refuse_corrupt(self, files: int) -> None:
        """Raises CorruptData when too much had to be left out, of the clips or, whatever they hold, of `files`.

        Else says what was: these are few.
        """
        for left_out, of, what in ((len(self._faults), self._clips, "clips"), (self._damaged_files, files, "files")):
            if left_out > CorruptData.tolerated * of:
                raise CorruptData(
                    f"{left_out} of {of} {what} cannot be used, more than one in a hundred; repair them or take them "
                    f"out. The first: {self._faults[0]}"
                )
        for fault in self._faults:
            log.warning("Left out: %s", fault)


def _fault_of(content: Array) -> str:
    """What makes `content` no clip, or nothing."""
    if content.ndim != 3 or content.shape[1:] != (COUNT, 2) or not 1 <= len(content) <= VIDEOS.max_frames:
        return f"has the shape {content.shape}; give (frames, {COUNT}, 2), of 1 to {VIDEOS.max_frames} frames"
    if content.dtype.kind not in "fiu":
        return f"holds {content.dtype} and no numbers"
    if not (np.abs(content) <= FARTHEST).all():
        return f"holds NaN, infinity or a number over {FARTHEST:,.0f}; a landmark that was not found is 0, 0"
    if not (content[..., 0] != 0).any():
        return "holds no landmark; all are 0, 0"
    return ""
