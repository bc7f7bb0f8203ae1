"""Ways to harm a model folder, and an ONNX file written by hand, so that its weights can point anywhere."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.faults.failing_scripts import MIB, SIDE

Damage = Callable[[Path], object]

WEIGHTS = (30 * np.eye(3, dtype=np.float32)).tobytes()


def cut(name: str, share: float) -> Damage:
    return lambda folder: os.truncate(folder / name, int((folder / name).stat().st_size * share))


def gone(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def holds(name: str, content: bytes | str) -> Damage:
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def edited(name: str, old: str, new: str) -> Damage:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edit


def grown(name: str, piece: bytes, to: int = 100 * MIB) -> Damage:
    def grow(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            for _ in range(to // len(piece)):
                file.write(piece)

    return grow


def becomes(name: str, make: Callable[[Path], object]) -> Damage:
    """`name` is another kind of file."""

    def replace(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return replace


def linked(name: str, target: str) -> Damage:
    return becomes(name, lambda file: file.symlink_to(target))


def sized(name: str, to: int) -> Damage:
    """`name` has zeros at its end that take no space on the disk."""

    def extend(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.truncate(to)

    return extend


def both(first: Damage, second: Damage) -> Damage:
    return lambda folder: (first(folder), second(folder))


def instead(name: str, content: bytes) -> Damage:
    """`name` in place of the IR."""
    return both(both(gone("model.xml"), gone("model.bin")), holds(name, content))


def onnx_network(weights_in: str | None = None) -> bytes:
    """softmax(mean colour @ weights) as an ONNX model, its weights in the file or in `weights_in`, as it may say."""
    weights = _number(1, 3) + _number(1, 3) + _number(2, 1) + _text(8, "weights")
    if weights_in is None:
        weights += _bytes(9, WEIGHTS)
    else:
        weights += _bytes(13, _text(1, "location") + _text(2, weights_in)) + _number(14, 1)
    nodes = [
        _node("ReduceMean", ["pixels"], "mean", _ints("axes", [1, 2]) + _int("keepdims", 0)),
        _node("MatMul", ["mean", "weights"], "logits", b""),
        _node("Softmax", ["logits"], "scores", _int("axis", 1)),
    ]
    graph = b"".join(_bytes(1, node) for node in nodes) + _text(2, "colours") + _bytes(5, weights)
    graph += _bytes(11, _value("pixels", [1, SIDE, SIDE, 3])) + _bytes(12, _value("scores", [1, 3]))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 13))


def _node(operation: str, inputs: list[str], output: str, attributes: bytes) -> bytes:
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operation) + attributes


def _int(name: str, value: int) -> bytes:
    return _bytes(5, _text(1, name) + _number(3, value) + _number(20, 2))


def _ints(name: str, values: list[int]) -> bytes:
    return _bytes(5, _text(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7))


def _value(name: str, shape: list[int]) -> bytes:
    dimensions = b"".join(_bytes(1, _number(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dimensions)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += struct.pack("B", value & 0x7F | 0x80)
        value >>= 7
    return out + struct.pack("B", value)
