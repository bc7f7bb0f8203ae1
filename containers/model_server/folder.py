"""What a model folder may hold, looked at before anything in it is opened.

The code of an archive is trusted, its data is not:
a pipe would be read for ever, a device until memory ends, and what a link finds outside would be served as labels.
The model folder itself may be a link, and links may lead from one place in it to another.
"""

import os
import re
from pathlib import Path

from model_server.engines import FROZEN_GRAPH, EngineError

SPEC_FILE = "model.toml"
_MIB = 1_048_576
_MOST_BYTES = {
    SPEC_FILE: _MIB,
    "model.xml": 64 * _MIB,  # its weights are in model.bin
    FROZEN_GRAPH: 2048 * _MIB - 1,  # what a protocol buffer can have
    "saved_model.pb": 2048 * _MIB - 1,
    "saved_model.pbtxt": 2048 * _MIB - 1,
}
"""What a file is given to its parser with; a larger one would take minutes, or memory until there is none."""

_CODE = "code"  # a script's own, and its business what it holds
_PART = rb"""(?:[\w-]++|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_DEEP_KEY = re.compile(rb"(?<![\w\\-])(?:" + _PART + rb"){32}")  # tomllib's time grows with the square of the depth


def check_folder(model_dir: Path) -> None:
    """Raises EngineError, naming the first file that must not be there."""
    root = model_dir.resolve()
    folders = [str(model_dir)] if root.is_dir() else []  # a missing one is told by who reads from it
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    _check(entry, root)
                    if entry.is_dir(follow_symlinks=False) and not (entry.name == _CODE and folder == folders[0]):
                        folders.append(entry.path)
        except OSError as error:
            raise EngineError(f"{folder}: cannot be read: {error.strerror}") from error
    for name, most in _MOST_BYTES.items():
        file = model_dir / name
        if file.is_file() and file.stat().st_size > most:
            raise EngineError(f"{file}: is larger than {most} bytes; shorten it")
    _check_keys(model_dir / SPEC_FILE)


def _check(entry: os.DirEntry[str], root: Path) -> None:
    if entry.is_symlink():
        try:
            target = Path(entry.path).resolve(strict=True)
        except (OSError, RuntimeError) as error:  # pathlib raises RuntimeError for a circle of links
            raise EngineError(f"{entry.path}: is a link that leads nowhere; put the file itself there") from error
        if not target.is_relative_to(root):
            raise EngineError(f"{entry.path}: is a link out of the model folder; put the file itself there")
    if not entry.is_file() and not entry.is_dir():
        raise EngineError(f"{entry.path}: is neither a file nor a folder; remove it")


def _check_keys(spec: Path) -> None:
    if spec.is_file() and _DEEP_KEY.search(spec.read_bytes()):
        raise EngineError(f"{spec}: has a key of more than 32 parts; docs/model-toml.md lists the keys")
