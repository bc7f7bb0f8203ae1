"""The drawn portraits are what their labels say, and the committed artifact does what its card says."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from model_server.preprocess import prepare
from models.face_mask.dataset import LABELS, Split, draw_dataset
from models.face_mask.demonstration import FOLDER, TrainingRun, parse_run
from models.face_mask.evaluate import agreement, predict
from models.face_mask.mask import Worn
from models.face_mask.model_card import metrics_section
from models.face_mask.portrait import draw_wearer, random_wearing
from models.spec import read_spec

ARTIFACT = FOLDER / "artifact"
ROOT = FOLDER.parent.parent
FRESH_SEED = 20_260  # neither set of the committed training was drawn with it


def drawn(worn: Worn, seed: int) -> np.ndarray:
    return draw_wearer(worn, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def fresh():
    return draw_dataset(200, Split.HELD_OUT, FRESH_SEED)


@pytest.fixture(scope="module")
def answers(fresh):
    return predict(ARTIFACT, fresh.photos)


@pytest.fixture(scope="module")
def metrics() -> dict:
    return json.loads((FOLDER / "metrics.json").read_text())


def test_a_seed_draws_the_same_portrait_again_and_another_seed_another():
    photo = drawn(Worn.PROPERLY, seed=1)
    assert (photo.shape, photo.dtype) == ((96, 96, 3), np.uint8)
    assert np.array_equal(photo, drawn(Worn.PROPERLY, seed=1))
    assert not np.array_equal(photo, drawn(Worn.PROPERLY, seed=2))


def test_a_mask_changes_the_middle_of_the_same_portrait():
    """Everything else, framing and light included, is the same person's in the same photograph."""
    shares = []
    for seed in range(20):
        change = np.abs(drawn(Worn.PROPERLY, seed).astype(int) - drawn(Worn.NOT_AT_ALL, seed)).max(axis=2) > 25
        shares.append((change.mean(), change[:12].mean()))
    overall, top = np.mean(shares, axis=0)
    assert 0.03 < overall < 0.5
    assert top < overall / 3


def test_a_mask_below_the_nose_counts_as_none():
    rng = np.random.default_rng(5)
    assert {random_wearing(0, rng) for _ in range(50)} == {Worn.PROPERLY}
    assert {random_wearing(1, rng) for _ in range(200)} == {Worn.NOT_AT_ALL, Worn.BELOW_NOSE, Worn.AT_CHIN}
    assert [worn.label for worn in Worn] == [0, 1, 1, 1]


def test_no_held_out_portrait_is_a_training_portrait_and_sets_grow_at_their_end(fresh):
    training = draw_dataset(10, Split.TRAINING, FRESH_SEED)
    assert not any(np.array_equal(one, other) for one in training.photos for other in fresh.photos)
    assert np.array_equal(draw_dataset(10, Split.HELD_OUT, FRESH_SEED).photos, fresh.photos[:10])
    assert np.bincount(fresh.labels).tolist() == [100] * LABELS
    assert [worn.label for worn in fresh.worn] == fresh.labels.tolist()


def test_model_toml_says_what_preprocess_input_of_resnet50_does(fresh):
    spec = read_spec(FOLDER / "model.toml").input
    served = np.stack([prepare(Image.fromarray(photo), spec) for photo in fresh.photos[:5]])
    trained = keras.applications.resnet50.preprocess_input(fresh.photos[:5].astype(np.float32))
    np.testing.assert_allclose(served, trained, atol=1e-4)


def test_the_artifact_is_small_and_holds_the_network_alone(metrics):
    size = sum(file.stat().st_size for file in ARTIFACT.rglob("*") if file.is_file())
    assert size == metrics["artifact_bytes"] <= 3_500_000
    variables = tf.saved_model.load(str(ARTIFACT)).variables
    floats = sum(int(np.prod(variable.shape)) for variable in variables if variable.dtype == tf.float32)
    assert floats == metrics["parameters"] < 1_000_000
    assert b"optimizer" not in (ARTIFACT / "saved_model.pb").read_bytes()


def test_the_artifact_judges_fresh_portraits(fresh, answers):
    result = agreement(fresh, answers)
    assert result.accuracy >= 0.9
    assert result.roc_auc >= 0.95
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("file", "label"), [("astronaut_face.jpg", 1), ("drawn_with_mask.jpg", 0)])
def test_each_sample_gets_its_label(file, label):
    with Image.open(FOLDER / "samples" / file) as photo:
        pixels = np.asarray(photo.convert("RGB").resize((96, 96), Image.Resampling.BILINEAR))
    assert predict(ARTIFACT, pixels[None])[0, label] > 0.9


def test_the_drawn_sample_is_the_drawing_it_is_said_to_be():
    with Image.open(FOLDER / "samples" / "drawn_with_mask.jpg") as photo:
        stored = np.asarray(photo)
    assert np.abs(stored.astype(int) - drawn(Worn.PROPERLY, seed=1)).mean() < 5  # JPEG at quality 95


def test_metrics_labels_and_card_say_the_same(metrics):
    confusion = np.array(metrics["confusion_matrix"])
    default = TrainingRun()
    assert read_spec(FOLDER / "model.toml").model.labels == ("with_mask", "without_mask")
    assert confusion.sum(axis=1).tolist() == [metrics["held_out_images"] // LABELS] * LABELS
    assert np.trace(confusion) / confusion.sum() == pytest.approx(metrics["accuracy"], abs=1e-4)
    assert confusion[0, 0] / confusion[:, 0].sum() == pytest.approx(metrics["precision"], abs=1e-4)
    assert (metrics["images"], metrics["epochs"], metrics["seed"]) == (default.images, default.epochs, default.seed)
    assert metrics_section(metrics) in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--images", "11"], "--images is 11; give a multiple of 2"),
        (["--held-out", "0"], "--held-out is 0; give a multiple of 2"),
        (["--epochs", "0"], "--epochs is 0; give 1 or more"),
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
    command = [sys.executable, "-m", "models.face_mask.demonstration", "--out", str(tmp_path / "new")]
    small = ["--images", "20", "--held-out", "10", "--epochs", "1", "--seed", "3"]
    run = subprocess.run(command + small, cwd=ROOT, capture_output=True, text=True, check=True)
    for stage in ("drawing training: 100%", "drawing held_out: 100%", "training, epoch 1 of 1: 100%"):
        assert stage in run.stderr
    assert "on 10 held-out images" in run.stdout
    recorded = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert (recorded["images"], recorded["seed"]) == (20, 3)
    for plot in ("confusion_matrix.png", "roc_curve.png"):
        assert (tmp_path / "new" / plot).read_bytes().startswith(b"\x89PNG")
    assert predict(tmp_path / "new" / "artifact", drawn(Worn.PROPERLY, 1)[None]).shape == (1, LABELS)
