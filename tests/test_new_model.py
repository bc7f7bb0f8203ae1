"""`make new-model` gives a model that passes what every model passes, and a bad name changes nothing."""

import os
import shutil
import subprocess
import sys

import pytest

from models.new import NotMade, new_model
from models.registry import ROOT, load_models

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "node_modules", "cdk.out", ".cache", ".local", ".*_cache")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """This repository with one more model, made by the command."""
    root = tmp_path_factory.mktemp("new") / "fovea"
    shutil.copytree(ROOT, root, ignore=_LEFT_OUT)
    for name in (".venv", "node_modules"):
        (root / name).symlink_to(ROOT / name)
    for folder in (root / "models").glob("*/model.toml"):
        shutil.rmtree(folder.parent)  # the others have been tested
    done = subprocess.run(
        [sys.executable, "-m", "models.new", "cat-breeds"], cwd=root, capture_output=True, text=True, check=True
    )
    assert "models/cat_breeds/ is a model now" in done.stdout
    return root


def test_it_is_a_model_of_its_own(copy):
    (model,) = load_models(copy)
    assert (model.spec.name, model.folder.name) == ("cat-breeds", "cat_breeds")
    texts = [file.read_text() for file in model.folder.rglob("*") if file.suffix in (".toml", ".md", ".py")]
    assert len(texts) >= 4
    assert not [text for text in texts if "my-model" in text or "from template" in text]


@pytest.mark.timeout(280)
def test_it_passes_what_every_model_passes(copy):
    tests = [
        "tests/models/test_every_model.py",
        "tests/containers/test_every_model.py",
        "tests/local/test_every_model.py",
    ]
    tests += ["tests/stacks/test_snapshots.py", "tests/stacks/test_templates.py", "--snapshot-update"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "[cat-breeds" in "".join(map(str, (copy / "tests/stacks/__snapshots__/test_snapshots").iterdir()))


def test_it_learns_when_it_is_trained(copy, tmp_path):
    """On the shapes that it draws; the result takes the place of the artifact."""
    chosen = ["epochs=2", "batch_size=64", "learning_rate=0.005"]
    command = [sys.executable, "-m", "local.train", "cat-breeds", "--work", str(tmp_path), "--set", *chosen]
    path = os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{copy / 'containers'}"}
    done = subprocess.run(command, cwd=copy, env=path, capture_output=True, text=True, check=True)
    losses = [float(line.split("train:loss=")[1].split(";")[0]) for line in done.stdout.splitlines() if "=" in line[:6]]
    assert losses[1] < losses[0]
    (model,) = load_models(copy)
    shutil.rmtree(model.artifact)
    shutil.copytree(tmp_path / "cat-breeds" / "model", model.artifact, ignore=shutil.ignore_patterns("model.toml"))
    load_models(copy)


@pytest.mark.parametrize(
    "name", ["Cat", "cat_breeds", "-cat", "cat-", "a--b", "../cat", "", "x" * 41, "diabetic-retinopathy"]
)
def test_a_bad_name_makes_nothing(name):
    before = sorted((ROOT / "models").iterdir())
    with pytest.raises(NotMade):
        new_model(name)
    assert sorted((ROOT / "models").iterdir()) == before


def test_make_asks_for_a_name():
    done = subprocess.run(["make", "new-model"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make new-model NAME=my-model" in done.stderr
