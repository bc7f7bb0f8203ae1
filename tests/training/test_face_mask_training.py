"""One training of a committed model, by the very process that SageMaker starts, interrupted and gone on with."""

import csv
import json
import os
import signal
import subprocess
import sys
from io import BytesIO

import pytest
from PIL import Image

from contract.options import Options
from local.train import lay_out
from model_server.deadline import Deadline
from model_server.loading import load_predictor
from model_server.predictor import Request, Timings
from models.registry import ROOT
from tests.training.conftest import MASK
from training.opt_ml import OptMl

CHOSEN = {"epochs": "3", "batch_size": "18", "learning_rate": "0.002", "seed": "3"}
STEPS = 9  # with 52 of the 60 pictures in each epoch


def started(opt_ml: OptMl) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "training", "train", "--model", "face-mask", "--root", str(opt_ml.root)]
    path = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}"}
    return subprocess.Popen(command, cwd=ROOT, env=path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figures(lines) -> dict[int, str]:
    """Step -> line, of those that SageMaker takes numbers from."""
    return {int(line.split(";")[0].removeprefix("step=")): line for line in lines if line.startswith("step=")}


@pytest.fixture(scope="module")
def interrupted(portraits, tmp_path_factory):
    """The folders of a job that got SIGTERM after its first epoch, its status, and what it said."""
    opt_ml = OptMl(tmp_path_factory.mktemp("job") / "opt_ml")
    lay_out(opt_ml, {"training": portraits}, CHOSEN)
    process = started(opt_ml)
    first = next(line for line in process.stdout if line.startswith("step="))
    process.send_signal(signal.SIGTERM)
    rest, errors = process.communicate(timeout=60)
    return opt_ml, process.returncode, [first, *rest.splitlines()], errors


@pytest.fixture(scope="module")
def finished(interrupted, portraits):
    """The same job on another machine."""
    opt_ml = interrupted[0]
    lay_out(opt_ml, {"training": portraits}, CHOSEN)
    process = started(opt_ml)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return opt_ml, output.splitlines(), errors


def test_sigterm_saves_and_exits(interrupted):
    opt_ml, status, lines, errors = interrupted
    assert status == 143
    assert "Interrupted: saved after step" in errors
    assert min(figures(lines)) == STEPS / 3
    assert max(figures(lines)) < STEPS
    assert not opt_ml.failure.exists()
    assert not (opt_ml.model / "saved_model.pb").exists()


def test_the_next_one_goes_on_and_has_a_result(finished):
    opt_ml, lines, errors = finished
    assert any(line.startswith("Going on after step ") for line in lines)
    assert max(figures(lines)) == STEPS
    assert min(figures(lines)) > STEPS / 3
    assert "Done: the model is in" in errors
    assert not any(opt_ml.checkpoints.iterdir())


def test_the_result_is_served_as_it_is(finished, portraits):
    picture = BytesIO()
    Image.open(next((portraits / "with_mask").iterdir())).save(picture, "PNG")
    predictor = load_predictor(finished[0].model, "openvino")
    request = Request(picture.getvalue(), "image/png", "application/json", Options(), Deadline.after(20), Timings())
    assert b'"with_mask"' in predictor.answer(request).content


def test_it_is_reported_on_by_what_it_was_judged_by(finished):
    opt_ml, _, errors = finished
    report = json.loads((opt_ml.output_data / "report.json").read_text())
    assert (report["model"], report["examples"], report["current"]) == ("face-mask", 8, None)
    assert set(report["measures"]) >= {"accuracy", "precision", "recall", "f1", "roc_auc"}
    assert sum(map(sum, report["candidate"]["confusion"])) == 8
    assert (opt_ml.output_data / "report.html").read_text().startswith("<!doctype html>")
    assert f"The report is {opt_ml.output_data / 'report.html'}" in errors


def test_what_it_was_judged_by_is_listed(finished):
    opt_ml = finished[0]
    with (opt_ml.root / "output" / "data" / "validation.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["label"] for row in rows].count("with_mask") == len(rows) - 4 == 4
    for row in rows:
        assert (opt_ml.root / "input" / "data" / row["path"]).is_file()
        assert row["path"].split("/")[:2] == ["training", row["label"]]
    assert {row["label"] for row in rows} == set(MASK)
