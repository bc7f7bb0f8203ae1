"""Packs a model folder into model.tar.gz, byte for byte the same each time, and unpacks one safely.

Same content, same bytes: the archive's hash then changes exactly when the model does, and CDK uploads
and redeploys nothing else. `python -m models.archive FOLDER [OUT]` writes one by hand, for an s3:// artifact.
"""

import argparse
import gzip
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from models.spec import SpecError, read_spec

SPEC_NAME = "model.toml"
_SKIPPED = ("__pycache__", ".DS_Store")


class ArchiveError(Exception):
    """A folder that must not be packed, or an archive that must not be unpacked; names the member."""


def pack(spec_file: Path, artifact: Path, out: Path) -> Path:
    """Writes the files of `artifact` and `spec_file` to the gzipped tar `out`, all metadata fixed; returns `out`.

    Raises ArchiveError for a symbolic link, a special file, or an artifact that holds its own model.toml.
    """
    content = members(spec_file, artifact)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as zipped,
        tarfile.open(mode="w", fileobj=zipped, format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, file in sorted(content.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = file.stat().st_size, 0o644
            with file.open("rb") as opened:
                tar.addfile(info, opened)
    return partial.replace(out)


def members(spec_file: Path, artifact: Path) -> dict[str, Path]:
    """What a packed model holds: path in it -> file. Raises ArchiveError."""
    found = dict(_members(artifact))
    if SPEC_NAME in found:
        raise ArchiveError(f"{artifact / SPEC_NAME}: the archive gets its model.toml from {spec_file}; remove this one")
    return {**found, SPEC_NAME: spec_file}


def _members(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part in _SKIPPED for part in path.parts):
            continue
        if path.is_symlink():
            raise ArchiveError(f"{path}: is a link; put the file itself there")
        if path.is_file():
            yield name, path
        elif not path.is_dir():
            raise ArchiveError(f"{path}: is neither a file nor a folder; remove it")


def unpack(archive: Path, folder: Path) -> None:
    """Extracts `archive` below `folder`. Raises ArchiveError, before writing, for anything but plain members."""
    try:
        with tarfile.open(archive, mode="r:gz") as tar:
            members = tar.getmembers()
            for member in members:
                _check(member)
            for member in members:
                _extract(tar, member, folder)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ArchiveError(f"{archive}: is damaged or no gzipped tar: {error}") from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Content only, no owner, mode or time. (`extractall` got its safe filter in Python 3.11.4, too late for some.)"""
    path = folder / member.name
    content = tar.extractfile(member)
    (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
    if content is not None:
        with path.open("wb") as out:
            shutil.copyfileobj(content, out)


def _check(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name:
        raise ArchiveError(f"{member.name!r} would leave the model folder")
    if not (member.isfile() or member.isdir()):
        raise ArchiveError(f"{member.name!r} is a link or a special file")


def main() -> int:
    """The command line: packs FOLDER, which holds model.toml, into OUT."""
    parser = argparse.ArgumentParser(prog="python -m models.archive", description=__doc__)
    parser.add_argument("folder", type=Path, help="a model folder, such as models/diabetic_retinopathy")
    parser.add_argument("out", type=Path, nargs="?", default=Path("model.tar.gz"))
    arguments = parser.parse_args()
    spec_file = arguments.folder / SPEC_NAME
    try:
        spec = read_spec(spec_file)
        artifact = arguments.folder / ("artifact" if spec.model.is_remote else spec.model.artifact)
        if not artifact.is_dir():
            raise ArchiveError(f"{artifact}: is not a folder; put the exported model there")
        out = pack(spec_file, artifact, arguments.out)
    except (SpecError, ArchiveError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{out}: {out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
