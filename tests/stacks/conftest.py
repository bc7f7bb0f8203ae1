"""Every stage, synthesized once; and a small copy of the repository, to change."""

import shutil
from pathlib import Path

import pytest

from models.registry import ROOT, load_models
from stacks.jobs_stack import takes_jobs
from stacks.stage import STAGES
from tests.models.conftest import Repository
from tests.stacks.assembly import synthesize

MODELS = load_models()
STACK_PARTS = [*(model.spec.name for model in MODELS), "api", *(["jobs"] if any(map(takes_jobs, MODELS)) else [])]


@pytest.fixture(scope="session")
def stages(tmp_path_factory):
    out = tmp_path_factory.mktemp("stages")
    return {stage: synthesize(stage, out / stage) for stage in STAGES}


@pytest.fixture(params=list(STAGES))
def assembly(request, stages):
    return stages[request.param]


@pytest.fixture
def dev(stages):
    return stages["dev"]


@pytest.fixture
def repository(tmp_path):
    """A repository with all that is deployed, and one model of its own."""
    repository = Repository(tmp_path / "fovea")
    copy_rooms(repository.root)
    return repository


SHARED_CONTAINERS = ("containers/model_server", "containers/requirements")
LOOSE_FILES = ("app.py", "cdk.json", "containers/Dockerfile", ".dockerignore")


def copy_rooms(root: Path) -> None:
    (root / "models").mkdir(exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for room in ("contract", "lambda_handlers", "monitoring", "stacks", *SHARED_CONTAINERS, "containers/savedmodel"):
        shutil.copytree(ROOT / room, root / room, ignore=ignored, dirs_exist_ok=True)
    for file in (*ROOT.glob("models/*.py"), *(ROOT / name for name in LOOSE_FILES)):
        shutil.copy(file, root / file.relative_to(ROOT))
