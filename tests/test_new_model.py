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
    assert not [text for text in texts if "my-model" in text or "my_model" in text]


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


def test_it_learns_when_it_is_trained(copy):
    command = [sys.executable, "-m", "models.cat_breeds.train", "--images", "300", "--epochs", "2", "--seed", "3"]
    before = (copy / "models/cat_breeds/metrics.json").read_text()
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
    assert "accuracy on 300 held-out pictures" in done.stdout
    assert (copy / "models/cat_breeds/metrics.json").read_text() != before
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
