"""Folders for the assets that are not simply files of the repository: the function's package and the model's archive.

Each is named for its content, below .cache/: unchanged content is not written again, and two synths at
once cannot disturb each other.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from models import archive
from models.registry import Model

_CACHE = Path(".cache/staged")

Content = Path | bytes
"""A file to copy, or the bytes of one that is generated."""


def files_below(root: Path, folder: str, pattern: str = "*") -> dict[str, Content]:
    """The files below `root`/`folder` that match `pattern`, by their path from `root`."""
    files = (path for path in (root / folder).rglob(pattern) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path for path in files}


def staged(root: Path, label: str, files: Mapping[str, Content]) -> Path:
    """A folder that holds `files` (path in the folder -> content) and nothing else."""

    def fill(folder: Path) -> None:
        for name, content in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_bytes(content))
            target.chmod(0o644)  # Lambda reads it as another user, whatever this machine's umask is

    return _once(root / _CACHE / f"{label}-{_digest(files)}", fill)


def archived(root: Path, model: Model) -> Path:
    """The model.tar.gz of `model`; packed only when the model or the packing has changed."""
    files = files_below(model.folder, model.spec.model.artifact)
    sources = {**files, archive.SPEC_NAME: model.spec_file, "how": Path(archive.__file__)}

    def fill(folder: Path) -> None:
        archive.pack(model.spec_file, model.artifact, folder / "model.tar.gz")

    return _once(root / _CACHE / f"{model.spec.name}-{_digest(sources)}", fill) / "model.tar.gz"


def _once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """`folder`, filled under another name and then renamed: it is there as a whole or not at all."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        partial.chmod(0o755)
        fill(partial)
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another synth was first, with the same content
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _digest(files: Mapping[str, Content]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for field in (name.encode(), _bytes(content)):
            digest.update(len(field).to_bytes(8, "big"))
            digest.update(field)
    return digest.hexdigest()[:16]


def _bytes(content: Content) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content
