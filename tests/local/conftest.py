"""A copy of this repository whose models a test may break."""

import shutil

import pytest

from models.registry import ROOT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "node_modules", "cdk.out", ".cache", ".local", ".*_cache", "tests")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of this repository with one model, to break."""
    root = tmp_path_factory.mktemp("copy") / "fovea"
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    for folder in (root / "models").glob("*/model.toml"):
        if folder.parent.name != "diabetic_retinopathy":
            shutil.rmtree(folder.parent)
    return root
