"""The channel `checkpoint`: the weights to fine-tune from, as an earlier training or a person left them there."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.archive import ArchiveError, unpack
from training.errors import UnusableCheckpoint
from training.job import Job

CHANNEL = "checkpoint"
ARCHIVE = "model.tar.gz"
KINDS = {
    "tensorflow": ("saved_model.pb", "*.keras", "*.weights.h5"),
    "pytorch": ("weights.pth", "*.pth", "*.pt"),
}
"""Framework -> the files that hold weights, the first kind that is there counts; or any of them in a model.tar.gz."""


@contextmanager
def given_checkpoint(job: Job) -> Iterator[Path | None]:  # type: ignore[type-arg]
    """The file of weights, there while the block runs; None without the channel. Raises UnusableCheckpoint."""
    if not job.has_channel(CHANNEL):
        yield None
        return
    folder = job.input_data / CHANNEL
    with tempfile.TemporaryDirectory() as unpacked:
        archive = folder / ARCHIVE
        if archive.is_file():
            folder = Path(unpacked)
            try:
                unpack(archive, folder)
            except ArchiveError as error:
                raise UnusableCheckpoint(f"the channel {CHANNEL}: {error}") from error
        yield _only(folder, KINDS[job.model.spec.model.framework])


def _only(folder: Path, kinds: tuple[str, ...]) -> Path:
    for kind in kinds:
        found = sorted(folder.rglob(kind))
        if len(found) > 1:
            names = ", ".join(file.relative_to(folder).as_posix() for file in found[:3])
            raise UnusableCheckpoint(f"the channel {CHANNEL} holds {names}; leave the one to go on from")
        if found:
            return found[0]
    raise UnusableCheckpoint(
        f"the channel {CHANNEL} holds no {', '.join(kinds)} nor {ARCHIVE}; put one there, or drop it"
    )
