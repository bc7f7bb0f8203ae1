"""The app as a person runs it: a process, without credentials, Docker or network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.registry import ROOT, load_models
from models.spec import SpecError
from stacks.deployment import refuse_shared_names
from stacks.stage import STAGES, UnknownStage, stage_named
from tests.stacks.assembly import read

BIN = Path(sys.executable).parent
NOTHING = {"HOME": os.environ.get("HOME", "/"), "PATH": str(BIN), "AWS_EC2_METADATA_DISABLED": "true"}


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """With the virtual environment's programs on the PATH, Node among them, and no other."""
    return subprocess.run(
        command, cwd=cwd, env=NOTHING | environment, capture_output=True, text=True, check=False, timeout=120
    )


def app(root: Path, out: Path, stage: str = "dev") -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "app.py", cwd=root, CDK_OUTDIR=str(out), CDK_CONTEXT_JSON=f'{{"stage": "{stage}"}}')


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[input]", "[input]\ncolour = 1", "models/cat_breeds/model.toml: input.colour: is not a known key"),
        (
            'container = "savedmodel"',
            'container = "none"',
            "models/cat_breeds/model.toml: model.container: containers/none/requirements-cpu.txt does not exist",
        ),
        (
            'version = "1.2.3"',
            'version = "1.2.3"\nartifact = "away"',
            "models/cat_breeds/model.toml: model.artifact: the folder models/cat_breeds/away does not exist",
        ),
        ('name = "cat-breeds"', 'name = "cat-breeds', "models/cat_breeds/model.toml: is not TOML"),
    ],
    ids=["unknown key", "missing container", "missing artifact", "not TOML"],
)
def test_a_faulty_model_is_told_in_one_line(repository, tmp_path, old, new, line):
    repository.edit(old, new)
    done = app(repository.root, tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_an_unknown_stage_is_told_in_one_line_with_the_known_ones(repository, tmp_path):
    done = app(repository.root, tmp_path / "out", "production")
    assert done.returncode == 1
    assert done.stderr == "stage: 'production' is not a stage; use -c stage= with one of dev, beta, prod\n"
    assert app(repository.root, tmp_path / "out", "prod").returncode == 0


def test_a_link_in_the_artifact_is_told_in_one_line(repository, tmp_path):
    (repository.model / "artifact" / "weights").symlink_to("/etc/hosts")
    done = app(repository.root, tmp_path / "out")
    assert done.returncode == 1
    assert "weights: is a link; put the file itself there" in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_synths_write_the_same_bytes(repository, tmp_path):
    for out in ("one", "two"):
        assert app(repository.root, tmp_path / out).returncode == 0
    one, two = (
        {file.relative_to(tmp_path / out): file.read_bytes() for file in (tmp_path / out).rglob("*") if file.is_file()}
        for out in ("one", "two")
    )
    assert len(one) > 20
    assert one == two


def test_the_cdk_command_writes_what_the_tests_look_at(stages, tmp_path):
    cdk = ROOT / "node_modules" / ".bin" / "cdk"
    done = run(cdk, "synth", "--quiet", "--output", tmp_path / "out", "-c", "stage=prod", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert {name: stack.template for name, stack in read(tmp_path / "out").stacks.items()} == {
        name: stack.template for name, stack in stages["prod"].stacks.items()
    }
    assert "arning" not in done.stdout + done.stderr
    assert "feature flags" not in done.stdout + done.stderr


def test_every_stage_is_found_by_its_name():
    assert [stage_named(name).name for name in STAGES] == ["dev", "beta", "prod"]
    with pytest.raises(UnknownStage):
        stage_named("")


@pytest.mark.parametrize("name", ["api", "watch", "jobs", "page"])
def test_the_name_of_a_stack_is_taken(repository, name):
    repository.edit("cat-breeds", name)
    repository.model.rename(repository.model.with_name(name))
    fault = f"^models/{name}/model.toml: model.name: '{name}' is the name of one of Fovea's stacks; choose another"
    with pytest.raises(SpecError, match=fault):
        refuse_shared_names(load_models(repository.root), STAGES["dev"])


def test_two_endpoints_cannot_share_a_name(repository):
    """cat + breeds-gpu and cat-breeds + gpu are both fovea-dev-cat-breeds-gpu."""
    other = shutil.copytree(repository.model, repository.model.with_name("cat"))
    spec = (other / "model.toml").read_text().replace('"cat-breeds"', '"cat"')
    (other / "model.toml").write_text(spec.replace("endpoints.gpu", "endpoints.breeds-gpu"))
    with pytest.raises(SpecError) as refused:
        refuse_shared_names(load_models(repository.root), STAGES["dev"])
    assert refused.value.faults == [
        "models/cat_breeds/model.toml: endpoints.gpu: fovea-dev-cat-breeds-gpu is an endpoint of "
        "models/cat/model.toml too; rename one"
    ]


def test_the_kinds_of_endpoints_asked_for_are_all_that_is_deployed(repository, tmp_path):
    done = chosen(repository.root, tmp_path / "out", "serverless")
    assert done.returncode == 0, done.stderr
    (stack,) = read(tmp_path / "out").models
    assert all(
        "ServerlessConfig" in one["ProductionVariants"][0] for one in stack.properties("SageMaker::EndpointConfig")
    )
    refused = chosen(repository.root, tmp_path / "out", "gpu")
    assert refused.returncode == 1
    assert refused.stderr.startswith("kinds: 'gpu' is no kind of endpoint; give some of ")
    assert refused.stderr.count("\n") == 1


def chosen(root: Path, out: Path, kinds: str) -> subprocess.CompletedProcess[str]:
    context = f'{{"stage": "dev", "kinds": "{kinds}"}}'
    return run(sys.executable, "app.py", cwd=root, CDK_OUTDIR=str(out), CDK_CONTEXT_JSON=context)
