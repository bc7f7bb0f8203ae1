"""`cdk diff` between two commits says what changed between them, not where, when or by whom they were checked out."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from models.registry import ROOT
from tests.stacks.conftest import copy_rooms
from tests.stacks.test_app import app, run

CDK = ROOT / "node_modules" / ".bin" / "cdk"
STAGE = "beta"
JUNK = (
    "models/diabetic_retinopathy/.DS_Store",
    "models/face_mask/artifact/.DS_Store",
    "containers/savedmodel/.DS_Store",
    "containers/model_server/__pycache__/app.cpython-399.pyc",
    "contract/__pycache__/limits.cpython-399.pyc",
    "lambda_handlers/proxy/__pycache__/handler.cpython-399.pyc",
    "models/brain_tumor/artifact/__pycache__/x.cpython-399.pyc",
    "docs/errors.md",
    "tests/test_new.py",
    "notes.txt",
    ".git/HEAD",
    "cdk.out/manifest.json",
    "local/server.py",
)


def checked_out(root: Path) -> Path:
    """All that is deployed, with every model and container."""
    root.mkdir(parents=True)
    copy_rooms(root)
    ignored = shutil.ignore_patterns("__pycache__", ".DS_Store")
    for room in ("models", "containers"):
        shutil.copytree(ROOT / room, root / room, ignore=ignored, dirs_exist_ok=True)
    return root


def disturb(root: Path) -> None:
    """Another umask, other times, and what other programs leave behind; nothing that is deployed changes."""
    for at, path in enumerate(sorted(root.rglob("*"))):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (when := 10**9 + at * 86_399, when))
    for name in JUNK:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("left behind\n")


def described(assembly: Path) -> dict[str, bytes]:
    """Every template, and every list of assets."""
    files = [*assembly.glob("*.template.json"), *assembly.glob("*.assets.json")]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory):
    """Two of one commit, on what might be two machines; where each was synthesized."""
    room = tmp_path_factory.mktemp("checkouts")
    here, there = checked_out(room / "fovea"), checked_out(room / "home" / "somebody" / "src" / "fovea-2")
    disturb(there)
    for root in (here, there):
        done = app(root, root / "out", STAGE)
        assert done.returncode == 0, done.stderr
    return here, there


def test_two_checkouts_of_one_commit_are_described_by_the_same_bytes(checkouts):
    one, two = (described(root / "out") for root in checkouts)
    assert len(one) > 12
    assert one == two


def test_what_changes_is_seen_and_nothing_else(checkouts, tmp_path):
    here, _ = checkouts
    before = described(here / "out")
    again = shutil.copytree(here, tmp_path / "fovea", ignore=shutil.ignore_patterns("out", ".cache"))
    handler = again / "lambda_handlers/proxy/handler.py"
    handler.write_text(handler.read_text() + "# changed\n")
    assert app(again, tmp_path / "out", STAGE).returncode == 0
    after = described(tmp_path / "out")
    names = {name for name in before if before[name] != after[name]}
    assert names == {f"Fovea-{STAGE}-api.template.json", f"Fovea-{STAGE}-api.assets.json"}


def diff(assembly: Path, template: Path, stack: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """By the real command, of a template in a file: it needs no account."""
    command = ["diff", "--fail", "--exclusively", "--app", assembly, "--template", template, stack]
    return run(CDK, *command, cwd=folder)


def test_the_cdk_command_sees_no_difference_between_them(checkouts, tmp_path):
    here, there = checkouts
    for part in ("api", "face-mask", "watch"):
        stack = f"Fovea-{STAGE}-{part}"
        done = diff(here / "out", there / "out" / f"{stack}.template.json", stack, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "There were no differences" in done.stdout + done.stderr


def test_the_cdk_command_sees_one_where_there_is_one(checkouts, tmp_path):
    here, _ = checkouts
    stack = f"Fovea-{STAGE}-api"
    other = tmp_path / "other.template.json"
    text = (here / "out" / f"{stack}.template.json").read_text()
    other.write_text(text.replace('"RetentionInDays": 30', '"RetentionInDays": 7'))
    done = diff(here / "out", other, stack, tmp_path)
    assert done.returncode == 1
    assert "RetentionInDays" in done.stdout + done.stderr
