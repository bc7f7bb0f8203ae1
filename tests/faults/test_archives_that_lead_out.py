"""Archives whose members would be written elsewhere; tests/models/test_archive.py has the plain ones."""

import io
import tarfile
from pathlib import Path

import pytest

from models.archive import ArchiveError, unpack


def members(*infos: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for info, content in infos:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", **more: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, target, more
    return info


@pytest.mark.parametrize(
    "archive",
    [
        members((named("way", tarfile.SYMTYPE, ".."), b""), (named("way/outside"), b"x")),
        members((named("way", tarfile.LNKTYPE, "../outside"), b""), (named("way"), b"x")),
        members((named("inside", path="../outside"), b"x")),
        members((named("inside", tarfile.REGTYPE, path="/tmp/outside-of-fovea"), b"x")),  # noqa: S108 must not be written
        members((named("a"), b"x"), (named("a/b"), b"x")),
        members((named("x" * 5000), b"x")),
        members((named("./../outside"), b"x")),
    ],
    ids=["through a link", "over a hard link", "PAX path", "PAX absolute", "file as folder", "endless name", "dots"],
)
def test_an_archive_that_would_write_elsewhere_writes_nothing_there(tmp_path, archive):
    (tmp_path / "model.tar.gz").write_bytes(archive)
    with pytest.raises(ArchiveError):
        unpack(tmp_path / "model.tar.gz", tmp_path / "room" / "model")
    assert {file.name for file in tmp_path.iterdir()} <= {"model.tar.gz", "room"}
    assert not Path("/tmp/outside-of-fovea").exists()  # noqa: S108
