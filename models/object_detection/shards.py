"""The files of TFRecords in a folder, by the names that the TF Object Detection API's scripts give them.

`train.record`, `train.tfrecord`, `train.record-00000-of-00002`, `train-00000-of-00002`; those whose name begins with
val or eval are for validation.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.errors import EmptyChannel, UnusableData

_SHARD = re.compile(r"(?P<set>.+?)(?:\.tf_?records?|\.records?)?-(?P<at>\d{5})-of-(?P<of>\d{5})|.+\.(?:tf_?)?records?")
_VALIDATION = re.compile(r"(?:val|eval)", re.IGNORECASE)


def shards_in(folder: Path) -> tuple[Sequence[Path], Sequence[Path]]:
    """Those to train on and those for validation, in the order of their names. Raises EmptyChannel, UnusableData."""
    shards = sorted(file for file in folder.rglob("*") if file.is_file() and _SHARD.fullmatch(file.name))
    if not shards:
        raise EmptyChannel(
            f"the channel {folder.name} holds no TFRecords; name them like train.record or train.record-00000-of-00002"
        )
    _refuse_gaps(shards)
    validation = [file for file in shards if _VALIDATION.match(file.name)]
    return [file for file in shards if file not in validation], validation


def _refuse_gaps(shards: Sequence[Path]) -> None:
    counted: Counter[tuple[str, int]] = Counter()
    for file in shards:
        named = _SHARD.fullmatch(file.name)
        if named and named["of"]:
            counted[named["set"], int(named["of"])] += 1
    for (name, promised), there in counted.items():
        if there != promised:
            raise UnusableData(f"{there} of the {promised} shards of {name} are there; copy them all to the channel")
