"""Archives are the same bytes each time, and nothing in one leaves its folder."""

import io
import os
import subprocess
import sys
import tarfile
import time

import pytest

from models.archive import ArchiveError, pack, unpack


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "artifact" / "variables").mkdir(parents=True)
    (tmp_path / "artifact" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "artifact" / "variables" / "variables.index").write_bytes(b"index")
    (tmp_path / "model.toml").write_text("[model]")
    return tmp_path


def packed(folder, out="model.tar.gz"):
    return pack(folder / "model.toml", folder / "artifact", folder / out)


def test_two_runs_give_the_same_bytes(folder):
    first = packed(folder).read_bytes()
    time.sleep(1.1)  # a second that a careless gzip header would record
    for file in (folder / "artifact").rglob("*"):
        os.utime(file)
    (folder / "artifact" / "saved_model.pb").chmod(0o700)
    (folder / "artifact" / "__pycache__").mkdir()
    (folder / "artifact" / "__pycache__" / "x.pyc").touch()
    assert packed(folder, "again.tar.gz").read_bytes() == first


def test_a_changed_file_gives_other_bytes(folder):
    first = packed(folder).read_bytes()
    (folder / "artifact" / "saved_model.pb").write_bytes(b"other")
    assert packed(folder).read_bytes() != first


def test_comes_back_as_it_went_in(folder, tmp_path):
    unpack(packed(folder), tmp_path / "out")
    assert (tmp_path / "out" / "variables" / "variables.index").read_bytes() == b"index"
    assert (tmp_path / "out" / "model.toml").read_text() == "[model]"


def test_refuses_to_pack_a_link(folder):
    (folder / "artifact" / "link").symlink_to("/etc/passwd")
    with pytest.raises(ArchiveError, match="is a link; put the file itself there"):
        packed(folder)
    assert not (folder / "model.tar.gz").exists()


def test_refuses_to_pack_a_special_file(folder):
    os.mkfifo(folder / "artifact" / "pipe")
    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        packed(folder)


def test_refuses_a_second_spec(folder):
    (folder / "artifact" / "model.toml").touch()
    with pytest.raises(ArchiveError, match="remove this one"):
        packed(folder)


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("/etc/cron.d/x"),
        member("../x"),
        member("a/../../x"),
        member("..\\x"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("hard", tarfile.LNKTYPE, "a"),
        member("device", tarfile.CHRTYPE),
        member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda info: info.name,
)
def test_refuses_to_unpack_what_would_leave_the_folder(tmp_path, bad):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        tar.addfile(member("good"), io.BytesIO())
        tar.addfile(bad)
    with pytest.raises(ArchiveError):
        unpack(tmp_path / "bad.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refuses_a_damaged_archive(folder, tmp_path):
    content = packed(folder).read_bytes()
    for damaged in (b"", b"not gzip", content[:40], content[: len(content) // 2]):
        (tmp_path / "damaged.tar.gz").write_bytes(damaged)
        with pytest.raises(ArchiveError, match="is damaged or no gzipped tar"):
            unpack(tmp_path / "damaged.tar.gz", tmp_path / "out")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "models.archive", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_command_packs_a_model_folder(repository, tmp_path):
    done = run(repository.model, tmp_path / "out.tar.gz")
    assert (done.returncode, "bytes" in done.stdout) == (0, True)
    unpack(tmp_path / "out.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "saved_model.pb").is_file()


def test_the_command_says_in_one_line_what_is_missing(tmp_path):
    done = run(tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "model.toml: cannot be read" in done.stderr
