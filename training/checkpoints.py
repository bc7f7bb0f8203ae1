"""The state of a training, kept so that another machine goes on where this one stopped.

A checkpoint is a folder that gets its name when it is whole: a machine that is taken away in the middle leaves one that
nobody reads. SageMaker copies the folder to S3 while the job runs, and back before the next one starts.
"""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import UnusableCheckpoint

_KEPT = 2  # the newest may still be on its way to S3 when the machine goes
_NAME = re.compile(r"step-(\d+)")
_OF = "training.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state after `step` steps, in the files that the trainer wrote to `folder`."""

    step: int
    folder: Path


class Checkpoints:
    """Those of one training, in `folder`; `identity` tells it from another one, say one with another seed."""

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self._folder = folder
        self._identity = json.loads(json.dumps(identity))

    def newest(self) -> Checkpoint | None:
        """The last whole one, if any. Raises UnusableCheckpoint for one of another training."""
        found = self._all()
        if not found:
            return None
        self._refuse_another(found[-1])
        return found[-1]

    def save(self, step: int, write: Callable[[Path], None]) -> Checkpoint:
        """Has `write` put its files into a new folder, and forgets the oldest."""
        whole = self._folder / f"step-{step:09d}"
        partial = whole.with_name(f"{whole.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write(partial)
        (partial / _OF).write_text(json.dumps(self._identity, indent=2), encoding="utf-8")
        shutil.rmtree(whole, ignore_errors=True)
        partial.rename(whole)
        for old in self._all()[:-_KEPT]:
            shutil.rmtree(old.folder)
        return Checkpoint(step, whole)

    def forget(self) -> None:
        """Removes them all, once the training is done: the next one begins at its beginning."""
        for checkpoint in self._all():
            shutil.rmtree(checkpoint.folder)

    def _all(self) -> Sequence[Checkpoint]:
        named = [(_NAME.fullmatch(folder.name), folder) for folder in self._folder.glob("step-*")]
        return sorted(
            (Checkpoint(int(name[1]), folder) for name, folder in named if name and (folder / _OF).is_file()),
            key=lambda checkpoint: checkpoint.step,
        )

    def _refuse_another(self, checkpoint: Checkpoint) -> None:
        file = checkpoint.folder / _OF
        try:
            identity = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UnusableCheckpoint(f"{checkpoint.folder.name}/{_OF} cannot be read; remove it") from error
        changed = [name for name, value in self._identity.items() if identity.get(name) != value]
        if changed:
            name = changed[0]
            raise UnusableCheckpoint(
                f"the checkpoints are of a training with {name} {identity.get(name)}, and this one has "
                f"{self._identity[name]}; give this one another folder of checkpoints, or remove those"
            )
