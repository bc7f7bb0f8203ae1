"""TFRecords of tf.train.Example, as the TF Object Detection API has them, looked at once and then read one by one.

The first pass reads every record, whose checksums TensorFlow checks, and keeps its place and its boxes; a picture is
read again each time that it is needed, so that memory holds a batch and no more, and a step can be repeated exactly.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image
from tensorflow.python.lib.io.tf_record import tf_record_random_reader  # the public readers end at a damaged record
from tqdm import tqdm

from models.labels import Labels
from training.errors import CorruptData, EmptyChannel, UnknownLabel

_FRAME_BYTES = 16  # of a record: its length in 8, two checksums in 4 each
_EDGES = ("ymin", "xmin", "ymax", "xmax")
_OVERHANG = 0.01  # boxes drawn by hand reach a little over the picture


class CorruptRecord(Exception):
    """A record that holds no picture with boxes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record begins, in bytes."""

    shard: Path
    offset: int


@dataclass(slots=True)
class Records:
    """Those that can be read: boxes float32 [k, 4] as [ymin, xmin, ymax, xmax] in fractions, class ids int64 [k]."""

    places: list[Place] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    classes: list[NDArray[np.int64]] = field(default_factory=list)
    corrupt: int = 0

    def image(self, at: int) -> Image.Image:
        """The picture of record `at`, in RGB."""
        place = self.places[at]
        serialized, _ = tf_record_random_reader(str(place.shard)).read(place.offset)
        return _image(_features(serialized))

    def split(self, every: int) -> tuple["Records", "Records"]:
        """All but each `every`th, and those."""
        chosen = [at for at in range(len(self.places)) if at % every == every - 1]
        return self._at(sorted(set(range(len(self.places))) - set(chosen))), self._at(chosen)

    def _at(self, chosen: Sequence[int]) -> "Records":
        places, boxes, classes = self.places, self.boxes, self.classes
        return Records([places[at] for at in chosen], [boxes[at] for at in chosen], [classes[at] for at in chosen])


def read_records(shards: Sequence[Path], labels: Labels) -> Records:
    """What is in `shards`; corrupt records are skipped and counted.

    Raises UnknownLabel, EmptyChannel where there is none, and CorruptData where more than a hundredth is corrupt.
    """
    records = Records()
    with tqdm(
        total=sum(file.stat().st_size for file in shards), desc="looking at the data", unit="B", unit_scale=True
    ) as bar:
        for shard in shards:
            _read_shard(shard, labels, records, bar)
    everything = len(records.places) + records.corrupt
    if not everything:
        raise EmptyChannel(f"{', '.join(file.name for file in shards)}: no records; write some")
    if records.corrupt > CorruptData.tolerated * everything:
        raise CorruptData(
            f"{records.corrupt} of {everything} records cannot be read; write them again as tf.train.Example with "
            "image/encoded and image/object/…, in uncompressed TFRecords"
        )
    return records


def _read_shard(shard: Path, labels: Labels, records: Records, bar: Any) -> None:
    reader, size, offset = tf_record_random_reader(str(shard)), shard.stat().st_size, 0
    while offset < size:
        try:
            serialized, after = reader.read(offset)
            boxes, classes = _objects(serialized, labels, f"record {len(records.places) + 1} of {shard.name}")
        except CorruptRecord:
            records.corrupt += 1
        except (tf.errors.DataLossError, tf.errors.OutOfRangeError, IndexError):
            after, lost = _past_damage(shard, offset, len(records.places))
            records.corrupt += lost
        else:
            records.places.append(Place(shard, offset))
            records.boxes.append(boxes)
            records.classes.append(classes)
        bar.update(min(after, size) - offset)
        offset = after


def _past_damage(shard: Path, offset: int, read: int) -> tuple[int, int]:
    """Where the next record may begin, and how many are lost up to there.

    A damaged length leads astray: if it leads past the end of the file, all that follows is lost, which is then as
    many records as there should be of the usual size.
    """
    size = shard.stat().st_size
    with shard.open("rb") as opened:
        opened.seek(offset)
        after = offset + _FRAME_BYTES + int.from_bytes(opened.read(8), "little")
    if after <= size:
        return after, 1
    usual = offset / read if read and offset else size
    return size, max(1, round((size - offset) / usual))


def _features(serialized: bytes) -> Mapping[str, Any]:
    try:
        return tf.train.Example.FromString(serialized).features.feature  # type: ignore[no-any-return]
    except Exception as error:  # DecodeError, of protobuf, which TensorFlow brings
        raise CorruptRecord("no tf.train.Example") from error


def _image(features: Mapping[str, Any]) -> Image.Image:
    encoded = list(features["image/encoded"].bytes_list.value)
    try:
        with Image.open(io.BytesIO(encoded[0])) as opened:
            return opened.convert("RGB")
    except (OSError, IndexError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CorruptRecord("no picture") from error


def _objects(serialized: bytes, labels: Labels, where: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The boxes and the class ids, checked. Raises CorruptRecord, UnknownLabel."""
    features = _features(serialized)
    _image(features)
    edges = [list(features[f"image/object/bbox/{edge}"].float_list.value) for edge in _EDGES]
    ids = _ids(features, labels, where)
    if any(len(edge) != len(ids) for edge in edges):
        raise CorruptRecord("not as many boxes as classes")
    boxes = np.array(edges, np.float32).reshape(4, -1).T
    if not np.isfinite(boxes).all() or (np.abs(boxes - 0.5) > 0.5 + _OVERHANG).any():
        raise CorruptRecord("boxes outside the picture")
    boxes = boxes.clip(0, 1)
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return boxes[has_area], np.array(ids, np.int64)[has_area]


def _ids(features: Mapping[str, Any], labels: Labels, where: str) -> list[int]:
    """Those of image/object/class/label, or by the names in image/object/class/text where it is not there."""
    ids = list(features["image/object/class/label"].int64_list.value)
    texts = [text.decode("utf-8", "replace") for text in features["image/object/class/text"].bytes_list.value]
    by_name = {name: number for number, name in labels.items()}
    unknown = [repr(text) for text in texts if text not in by_name] if not ids else []
    unknown += [str(number) for number in ids if number not in labels]
    if unknown:
        raise UnknownLabel(
            f"{where} has the label {unknown[0]}, which is not in label_map.pbtxt; add it, or correct it"
        )
    return ids or [by_name[text] for text in texts]
