"""The drawn photographs follow the scale, and the committed artifact does what its card says."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
import tensorflow as tf
from PIL import Image

from models.diabetic_retinopathy.dataset import Split, draw_dataset
from models.diabetic_retinopathy.demonstration import FOLDER, TrainingRun, parse_run
from models.diabetic_retinopathy.evaluate import agreement, predict
from models.diabetic_retinopathy.fundus import draw_fundus
from models.diabetic_retinopathy.icdr import GRADES, Findings, icdr_grade, random_findings
from models.diabetic_retinopathy.model_card import metrics_section
from models.spec import read_spec

ARTIFACT = FOLDER / "artifact"
ROOT = FOLDER.parent.parent
FRESH_SEED = 20_260  # neither set of the committed training was drawn with it


def drawn(grade: int, seed: int) -> np.ndarray:
    return draw_fundus(grade, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def fresh():
    return draw_dataset(150, Split.HELD_OUT, FRESH_SEED)


@pytest.fixture(scope="module")
def answers(fresh):
    return predict(ARTIFACT, fresh.photos)


@pytest.fixture(scope="module")
def metrics() -> dict:
    return json.loads((FOLDER / "metrics.json").read_text())


def test_a_seed_draws_the_same_photograph_again_and_another_seed_another():
    photo = drawn(2, seed=1)
    assert (photo.shape, photo.dtype) == ((224, 224, 3), np.uint8)
    assert np.array_equal(photo, drawn(2, seed=1))
    assert not np.array_equal(photo, drawn(2, seed=2))


@pytest.mark.parametrize("grade", range(GRADES))
def test_random_findings_make_their_grade_on_the_scale(grade):
    rng = np.random.default_rng(grade)
    assert {icdr_grade(random_findings(grade, rng)) for _ in range(300)} == {grade}


def test_the_scale_turns_where_wilkinson_says():
    mild = Findings(microaneurysms=40)
    assert icdr_grade(mild) == 1
    assert icdr_grade(replace(mild, exudate_clusters=1)) == 2
    assert icdr_grade(replace(mild, haemorrhages=(60, 20, 60, 60))) == 2
    assert icdr_grade(replace(mild, haemorrhages=(21, 21, 21, 21))) == 3
    assert icdr_grade(replace(mild, beaded_quadrants=frozenset({0}))) == 2
    assert icdr_grade(replace(mild, beaded_quadrants=frozenset({0, 3}))) == 3
    assert icdr_grade(replace(mild, irma_quadrants=frozenset({1}))) == 3
    assert icdr_grade(Findings(preretinal_haemorrhages=1)) == 4


def test_each_grade_up_to_severe_changes_more_of_the_same_eye():
    def changed(grade: int, seed: int) -> float:
        difference = drawn(grade, seed).astype(int) - drawn(0, seed)
        return float((np.abs(difference).max(axis=2) > 25).mean())

    means = [np.mean([changed(grade, seed) for seed in range(10)]) for grade in range(GRADES)]
    assert means[0] == 0 < means[1] < means[2] / 2 < means[3] / 4
    assert means[4] > means[2]


def test_refuses_a_grade_that_the_scale_does_not_have():
    with pytest.raises(ValueError, match="grade is 5; the scale has the grades 0 to 4"):
        drawn(5, seed=1)
    assert drawn(4, seed=1).any()


def test_no_held_out_photograph_is_a_training_photograph_and_sets_grow_at_their_end(fresh):
    training = draw_dataset(10, Split.TRAINING, FRESH_SEED)
    assert not any(np.array_equal(one, other) for one in training.photos for other in fresh.photos)
    assert np.array_equal(draw_dataset(10, Split.HELD_OUT, FRESH_SEED).photos, fresh.photos[:10])
    assert np.bincount(fresh.grades).tolist() == [30] * GRADES


def test_the_artifact_is_small_and_holds_the_network_alone(metrics):
    size = sum(file.stat().st_size for file in ARTIFACT.rglob("*") if file.is_file())
    assert size == metrics["artifact_bytes"] <= 5_000_000
    variables = tf.saved_model.load(str(ARTIFACT)).variables
    floats = sum(int(np.prod(variable.shape)) for variable in variables if variable.dtype == tf.float32)
    assert floats == metrics["parameters"]  # an optimizer would keep two more of each
    assert b"optimizer" not in (ARTIFACT / "saved_model.pb").read_bytes()


def test_the_artifact_grades_fresh_photographs(fresh, answers):
    result = agreement(fresh.grades, answers.argmax(axis=1))
    assert result.quadratic_weighted_kappa >= 0.85
    assert result.accuracy >= 0.75
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_openvino_reads_the_same_answers_from_the_same_files(fresh, answers):
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.Core().compile_model(openvino.Core().read_model(ARTIFACT), "CPU", exact)
    batch = (fresh.photos[:50].astype(np.float32) - 127.5) / 127.5
    np.testing.assert_allclose(network(batch)[0], answers[:50], atol=1e-4)


def test_a_real_healthy_retina_is_graded_as_healthy():
    with Image.open(FOLDER / "samples" / "retina.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))
    assert predict(ARTIFACT, pixels[None]).argmax() == 0


def test_the_drawn_sample_is_the_drawing_it_is_said_to_be():
    with Image.open(FOLDER / "samples" / "drawn_moderate.jpg") as photo:
        stored = np.asarray(photo)
    assert np.abs(stored.astype(int) - drawn(2, seed=6)).mean() < 3  # JPEG at quality 95


def test_metrics_labels_and_card_say_the_same(metrics):
    labels = read_spec(FOLDER / "model.toml").model.labels
    confusion = np.array(metrics["confusion_matrix"])
    default = TrainingRun()
    assert tuple(metrics["recall"]) == labels
    assert confusion.sum(axis=1).tolist() == [metrics["held_out_images"] // GRADES] * GRADES
    assert np.trace(confusion) / confusion.sum() == pytest.approx(metrics["accuracy"], abs=1e-4)
    assert (metrics["images"], metrics["epochs"], metrics["seed"]) == (default.images, default.epochs, default.seed)
    assert metrics_section(metrics) in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--images", "12"], "--images is 12; give a multiple of 5"),
        (["--held-out", "0"], "--held-out is 0; give a multiple of 5"),
        (["--epochs", "0"], "--epochs is 0; give 1 or more"),
        (["--seed", "-1"], "--seed is -1; give a number from 0"),
        (["--out", __file__], "is a file; give a folder"),
    ],
)
def test_training_refuses_a_bad_argument_before_it_starts(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_run(arguments)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err
    assert parse_run(["--images", "10", "--out", "elsewhere"]) == TrainingRun(images=10, out=Path("elsewhere"))


def test_a_small_training_writes_everything_and_shows_its_progress(tmp_path):
    command = [sys.executable, "-m", "models.diabetic_retinopathy.demonstration", "--out", str(tmp_path / "new")]
    small = ["--images", "20", "--held-out", "10", "--epochs", "1", "--seed", "3"]
    run = subprocess.run(command + small, cwd=ROOT, capture_output=True, text=True, check=True)
    for stage in ("drawing training: 100%", "drawing held_out: 100%", "training, epoch 1 of 1: 100%"):
        assert stage in run.stderr
    assert "on 10 held-out images" in run.stdout
    recorded = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert (recorded["images"], recorded["seed"]) == (20, 3)
    assert (tmp_path / "new" / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    assert predict(tmp_path / "new" / "artifact", drawn(0, 1)[None]).shape == (1, GRADES)
