"""A small repository in a temporary folder: one model, one container, a SavedModel made of wire bytes."""

from pathlib import Path

import pytest

SPEC = """
[model]
name = "cat-breeds"
task = "image-classification"
framework = "tensorflow"
container = "savedmodel"
version = "1.2.3"
description = "Names the breed."
labels = ["tabby", "siamese"]

[input]
size = [64, 48]

[endpoints.serverless]
kind = "serverless"
memory_mb = 2048

[endpoints.gpu]
kind = "realtime"
instance_type = "ml.g5.xlarge"
max_instances = 4
"""

GPU = '[endpoints.gpu]\nkind = "realtime"\ninstance_type = "ml.g5.xlarge"\nmax_instances = 4\n'
ASYNC = '[endpoints.jobs]\nkind = "async"\ninstance_type = "ml.c7i.large"\n'


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content & (1 << 64) - 1)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def saved_model(inputs: list[int], outputs: list[int], name: bytes = b"serving_default") -> bytes:
    """A saved_model.pb with nothing but a signature."""

    def tensor(key: bytes, shape: list[int]) -> bytes:
        dims = b"".join(field(2, field(1, size)) for size in shape)
        return field(1, key) + field(2, field(1, b"n:0") + field(2, 1) + field(3, dims))

    signature = field(1, tensor(b"x", inputs)) + field(2, tensor(b"y", outputs))
    return field(1, 1) + field(
        2, field(5, field(1, b"other") + field(2, b"")) + field(5, field(1, name) + field(2, signature))
    )


class Repository:
    """Where `load_models(root)` looks; `edit` changes model.toml."""

    def __init__(self, root: Path) -> None:
        self.root, self.model = root, root / "models" / "cat_breeds"
        (self.model / "artifact").mkdir(parents=True)
        (root / "containers" / "savedmodel").mkdir(parents=True)
        (root / "containers" / "savedmodel" / "requirements-cpu.txt").touch()
        (self.model / "model.toml").write_text(SPEC)
        self.write_signature([-1, 64, 48, 3], [-1, 2])

    def write_signature(self, inputs: list[int], outputs: list[int]) -> None:
        (self.model / "artifact" / "saved_model.pb").write_bytes(saved_model(inputs, outputs))

    def edit(self, old: str, new: str) -> None:
        text = (self.model / "model.toml").read_text()
        assert old in text
        (self.model / "model.toml").write_text(text.replace(old, new))


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)
