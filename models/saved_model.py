"""Reads the serving signature of a TensorFlow SavedModel, without TensorFlow.

Synth must tell in milliseconds whether a model's output fits its labels. A SavedModel is a protocol
buffer (tensorflow/core/protobuf/saved_model.proto), and the few fields that hold the signature are
read here straight from the wire format (protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = "saved_model.pb"
SIGNATURE = "serving_default"

_META_GRAPHS, _SIGNATURE_DEF = 2, 5  # SavedModel.meta_graphs, MetaGraphDef.signature_def
_INPUTS, _OUTPUTS = 1, 2  # SignatureDef
_TENSOR_SHAPE, _DIM, _SIZE = 3, 2, 1  # TensorInfo.tensor_shape, TensorShapeProto.dim, Dim.size
_KEY, _VALUE = 1, 2  # a map entry

Shape = tuple[int, ...]


class NotASavedModel(ValueError):
    """The folder holds no saved_model.pb with a serving_default signature."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Names and shapes of the tensors of `serving_default`; -1 stands for any size."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def read_signature(folder: Path) -> Signature:
    """The `serving_default` signature of the SavedModel in `folder`. Raises NotASavedModel."""
    try:
        content = memoryview((folder / FILE).read_bytes())
        graph = next(_bytes_of(content, _META_GRAPHS))
        for entry in _bytes_of(graph, _SIGNATURE_DEF):
            if bytes(next(_bytes_of(entry, _KEY))).decode() == SIGNATURE:
                signature = next(_bytes_of(entry, _VALUE))
                return Signature(_tensors(signature, _INPUTS), _tensors(signature, _OUTPUTS))
    except (OSError, StopIteration, IndexError, UnicodeDecodeError) as error:
        raise NotASavedModel(f"{folder / FILE} is missing or damaged") from error
    raise NotASavedModel(f"{folder / FILE} has no {SIGNATURE} signature")


def _tensors(signature: memoryview, field: int) -> dict[str, Shape]:
    return {
        bytes(next(_bytes_of(entry, _KEY))).decode(): _shape(next(_bytes_of(entry, _VALUE)))
        for entry in _bytes_of(signature, field)
    }


def _shape(tensor_info: memoryview) -> Shape:
    shape = next(_bytes_of(tensor_info, _TENSOR_SHAPE), memoryview(b""))
    return tuple(_dimension(dim) for dim in _bytes_of(shape, _DIM))


def _dimension(dim: memoryview) -> int:
    value = next((value for number, value in _fields(dim) if number == _SIZE and isinstance(value, int)), 0)
    return value - (1 << 64) if value >> 63 else value


def _bytes_of(message: memoryview, field: int) -> Iterator[memoryview]:
    """The length-delimited values of `field` in `message`, in order."""
    for number, value in _fields(message):
        if number == field and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            length, at = _varint(message, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise IndexError("unknown wire type")
        if at + length > len(message):
            raise IndexError("truncated")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise IndexError("varint too long")
