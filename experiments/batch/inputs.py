"""What is to be scored: the files of a folder that the model may be sent, and what each is sent as."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from contract.media import IMAGES, JSON, VIDEOS
from experiments.batch.errors import InputFault

TYPES = {
    ".jpg": IMAGES[0],
    ".jpeg": IMAGES[0],
    ".png": IMAGES[1],
    ".webp": IMAGES[2],
    ".json": JSON,
    ".mp4": VIDEOS[0],
    ".webm": VIDEOS[1],
}
"""Suffix, in lower case -> content type."""
_OF_TASK = {"pose-sequence-classification": (JSON, *VIDEOS)}


def suffixes(task: str) -> Sequence[str]:
    """Of the files that a model of `task` is sent. JSON beside pictures is about them: notes, not requests."""
    taken = _OF_TASK.get(task, IMAGES)
    return [suffix for suffix, media_type in TYPES.items() if media_type in taken]


def names_in(folder: Path, task: str) -> list[str]:
    """The names below `folder`, in order, with `/`; other files are left out. Raises InputFault."""
    if not folder.is_dir():
        raise InputFault(f"{folder}: is no folder; give one with pictures, or an s3:// prefix with --target aws")
    found = [
        os.path.relpath(Path(place, file), folder).replace(os.sep, "/")
        for place, _, files in os.walk(folder)
        for file in files
    ]
    return chosen(found, task, folder)


def chosen(found: Iterable[str], task: str, where: object) -> list[str]:
    """Of the names `found` those to score, in order. Raises InputFault for none."""
    wanted = suffixes(task)
    names = sorted(name for name in found if PurePosixPath(name).suffix.lower() in wanted)
    if not names:
        raise InputFault(f"{where}: holds none of {', '.join(f'*{suffix}' for suffix in wanted)}; give another")
    for name in names:
        if not name.isprintable():
            raise InputFault(f"{where}: {name!r} has characters that a row cannot hold; rename it")
    return names


def type_of(name: str) -> str:
    """The content type that the suffix of `name` says."""
    return TYPES[PurePosixPath(name).suffix.lower()]
