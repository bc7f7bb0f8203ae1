"""What every model brings along, whatever it is: a card, its training, its metrics, samples and a small artifact."""

import json
import os
import re
import subprocess
import sys
import tarfile
from importlib import import_module

import pytest

from contract.media import JSON, sniff
from models.archive import pack, unpack
from models.registry import ROOT, accepted, load_models

MODELS = {model.spec.name: model for model in load_models()}
ALL_ARTIFACTS_MB = 25


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def size_mb(model) -> float:
    return sum(file.stat().st_size for file in model.artifact.rglob("*")) / 1e6


def test_the_card_says_what_it_is_and_what_it_is_not(model):
    card = (model.folder / "README.md").read_text(encoding="utf-8")
    assert re.search("demonstration only", card, re.IGNORECASE)
    assert re.search("demonstration only", model.spec.model.notice or "", re.IGNORECASE)
    headings = " ".join(re.findall(r"^## (.+)$", card, re.MULTILINE)).lower()
    assert "data" in headings
    assert "limits" in headings
    assert "train" in card
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", card):
        assert (model.folder / picture).is_file(), picture


def test_the_metrics_say_how_they_came_about(model):
    metrics = json.loads((model.folder / "metrics.json").read_text())
    text = json.dumps(metrics)
    assert {"seed", "data", "versions"} <= set(metrics)
    assert "held_out" in text


@pytest.mark.parametrize("folder", sorted(file.parent.name for file in (ROOT / "models").glob("*/demonstration.py")))
def test_a_demonstration_has_a_command_that_explains_itself(folder):
    command = [sys.executable, "-m", f"models.{folder}.demonstration", "--help"]
    path = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}"}
    done = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, check=True, timeout=120)
    assert "--seed" in done.stdout


TRAINED = sorted(
    file.parent.name for file in (ROOT / "models").glob("*/train.py") if "class Hyperparameters" in file.read_text()
)


@pytest.mark.parametrize("folder", TRAINED)
def test_it_trains_by_the_contract_and_each_hyperparameter_is_described(folder):
    trainer = import_module(f"models.{folder}.train")
    assert all(field.description for field in trainer.Hyperparameters.model_fields.values())
    assert trainer.Hyperparameters.parse({}).seed == 7
    assert callable(trainer.train)
    assert callable(trainer.draw)


def test_the_samples_are_of_accepted_types_and_their_source_is_named(model):
    folder = model.folder / "samples"
    samples = [file for file in folder.iterdir() if file.suffix != ".md"]
    sources = (folder / "README.md").read_text(encoding="utf-8")
    assert 1 <= len(samples) <= 4
    for sample in samples:
        assert sample.name in sources
        assert (sniff(sample.read_bytes()) or JSON) in accepted(model.spec)


def test_the_archive_is_the_same_each_time_and_unpacks_to_the_artifact(model, tmp_path):
    first, second = (pack(model.spec_file, model.artifact, tmp_path / name) for name in ("a.tar.gz", "b.tar.gz"))
    assert first.read_bytes() == second.read_bytes()
    unpack(first, tmp_path / "unpacked")
    with tarfile.open(first) as tar:
        names = tar.getnames()
    for name in names:
        source = model.spec_file if name == "model.toml" else model.artifact / name
        assert (tmp_path / "unpacked" / name).read_bytes() == source.read_bytes()
    assert set(names) - {"model.toml"} == {
        file.relative_to(model.artifact).as_posix() for file in model.artifact.rglob("*") if file.is_file()
    }


def test_all_artifacts_together_stay_small():
    assert sum(map(size_mb, MODELS.values())) < ALL_ARTIFACTS_MB
