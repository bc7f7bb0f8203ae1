"""A container whose packages are ours runs on our Python; one with other packages gets its own, once."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from local import environment
from local.environment import EnvironmentFailed, interpreter
from models.registry import ROOT


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOM", tmp_path / "environments")
    return tmp_path


def listed(folder: Path, *lines: str) -> Path:
    file = folder / f"requirements-{len(list(folder.iterdir()))}.txt"
    file.write_text("\n".join(lines))
    return file


@pytest.mark.parametrize("container", ["savedmodel"])
def test_most_containers_run_on_this_python(room, container):
    said = []
    pins = ROOT / "containers" / container / "requirements-cpu.txt"
    assert interpreter(container, [pins], said.append) == Path(sys.executable)
    assert said == []
    assert not (room / "environments").exists()


def test_a_builds_local_version_is_the_same_version(room, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _: "2.13.0+cpu")
    assert interpreter("torch", [listed(room, "torch==2.13.0  # a comment")]) == Path(sys.executable)


def test_another_version_is_installed_beside_ours_and_only_once(room):
    pins, said = listed(room, "six==1.16.0"), []
    python = interpreter("old", [pins], said.append)
    assert python == room / "environments" / "old" / "bin" / "python"
    command = [str(python), "-c", "import six; print(six.__version__)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1.16.0\n"
    assert interpreter("old", [pins], said.append) == python
    assert len(said) == 1
    pins.write_text("six==1.15.0")
    assert interpreter("old", [pins], said.append) == python
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1.15.0\n"


def test_a_users_own_requirements_come_on_top_and_keep_the_pins(room):
    own = listed(room, "# nothing pinned here", "six")
    python = interpreter("script", [listed(room, "six==1.16.0"), own], lambda _: None)
    done = subprocess.run(
        [python, "-c", "import six; print(six.__version__)"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1.16.0\n"


def test_what_cannot_be_installed_is_named_in_one_line(room):
    with pytest.raises(EnvironmentFailed, match="no-such-package") as failed:
        interpreter("broken", [listed(room, "no-such-package-of-fovea==1.0.0")], lambda _: None)
    assert "\n" not in str(failed.value)
    assert interpreter("broken", [listed(room, "six==1.16.0")], lambda _: None).is_file()
