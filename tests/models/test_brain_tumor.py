"""The drawn slices, and the committed artifacts: they do what the model card says."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from PIL import Image

from models.archive import pack
from models.brain_tumor.dataset import draw_dataset, draw_numbered
from models.brain_tumor.demonstration import FOLDER, TrainingRun, artifact_name, parse_run
from models.brain_tumor.evaluate import agreement, predict
from models.brain_tumor.head import draw_head
from models.brain_tumor.model_card import metrics_section
from models.brain_tumor.preprocess import prepare
from models.brain_tumor.slices import draw_slice
from models.brain_tumor.tissue import random_shades
from models.brain_tumor.tumour import draw_tumour
from models.spec import read_spec

ROOT = FOLDER.parent.parent
FRESH_SEED = 20_261  # neither set of the committed training was drawn with it
SPEC = read_spec(FOLDER / "model.toml")
NETWORKS = ("cnn_with_attention", "only_attention")


def drawn(label: int, seed: int) -> np.ndarray:
    return draw_slice(label, np.random.default_rng(seed))


def artifact(network: str) -> Path:
    return FOLDER / artifact_name(network, SPEC.model)


def native(network: str) -> torch.nn.Module:
    """The network in PyTorch, loaded as the server's engine loads it."""
    weights = torch.load(artifact(network) / "weights.pth", weights_only=True)
    module = import_module(f"brain_tumor.networks.{network}").build(2, weights)
    module.load_state_dict(weights, strict=True)
    return module.float().eval()


@pytest.fixture(scope="module")
def fresh():
    return draw_dataset(200, FRESH_SEED, "fresh slices")


@pytest.fixture(scope="module")
def metrics() -> dict:
    return json.loads((FOLDER / "metrics.json").read_text())


def test_a_seed_draws_the_same_slice_again_and_another_seed_another():
    for label in (0, 1):
        picture = drawn(label, seed=1)
        assert (picture.shape, picture.dtype) == ((128, 128), np.uint8)
        assert np.array_equal(picture, drawn(label, seed=1))
        assert not np.array_equal(picture, drawn(label, seed=2))


def test_a_tumour_changes_a_part_of_the_brain_and_leaves_the_skull():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        shades = random_shades(rng)
        head = draw_head(shades, rng)
        before = head.light.copy()
        draw_tumour(head, shades, rng)
        changed = np.abs(head.light - before) > 0.05
        assert 0.003 < changed.mean() < 0.4, seed
        assert not changed[head.radius > 0.91].any(), seed


def test_neither_brightness_nor_contrast_alone_tells_a_tumour(fresh):
    yes = fresh.labels == 1
    for measured in (fresh.slices.mean(axis=(1, 2)), fresh.slices.std(axis=(1, 2))):
        share = np.mean(measured[yes][:, None] > measured[~yes][None])  # the area below this feature's ROC curve
        assert 0.3 < share < 0.7


def test_heads_are_dark_around_and_use_the_range(fresh):
    corners = fresh.slices[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.median(corners) < 40
    assert (fresh.slices.max(axis=(1, 2)) > 200).all()


def test_refuses_a_class_that_there_is_not():
    with pytest.raises(ValueError, match="label is 2; a slice is 0, without a tumour, or 1, with one"):
        drawn(2, seed=1)
    assert drawn(1, seed=1).any()


def test_sets_take_turns_grow_at_their_end_and_share_no_slice(fresh):
    assert fresh.labels[:4].tolist() == [0, 1, 0, 1]
    few = draw_dataset(4, FRESH_SEED, "a few")
    assert np.array_equal(few.slices, fresh.slices[:4])
    assert np.array_equal(draw_numbered(FRESH_SEED, 3), few.slices[3])
    assert not np.array_equal(draw_numbered(FRESH_SEED + 1, 3), few.slices[3])
    default = TrainingRun()
    assert default.held_out_seed != default.seed


def test_preprocessing_is_that_of_the_published_networks():
    pixels = np.array([[[0, 51, 127, 255]]], dtype=np.uint8)
    ones = pixels[0, 0] / 255
    expected = (ones - 0.5) / 0.3
    prepared = prepare(pixels)
    assert (prepared.shape, prepared.dtype) == ((1, 3, 1, 4), np.float32)
    for channel in prepared[0]:
        np.testing.assert_allclose(channel[0], expected, atol=1e-6)
    assert (SPEC.input.resize, SPEC.input.size, SPEC.input.layout) == ("shorter-side", (128, 128), "NCHW")


@pytest.mark.parametrize("network", NETWORKS)
def test_openvino_and_pytorch_agree(network, fresh):
    batch = prepare(fresh.slices[:20])
    with torch.no_grad():
        expected = native(network)(torch.from_numpy(batch)).softmax(dim=1).numpy()
    np.testing.assert_allclose(predict(artifact(network), fresh.slices[:20]), expected, atol=1e-3)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_longer_side_may_have_any_length(network, fresh):
    wide = np.pad(fresh.slices[:2], ((0, 0), (0, 0), (20, 23)))
    with torch.no_grad():
        expected = native(network)(torch.from_numpy(prepare(wide))).softmax(dim=1).numpy()
    np.testing.assert_allclose(predict(artifact(network), wide), expected, atol=1e-3)


def test_the_artifacts_tell_fresh_slices(fresh, metrics):
    """As well as the card says, within what 200 slices can show: four standard errors."""
    for network in NETWORKS:
        said = metrics["networks"][network]
        measured = agreement(fresh.labels, predict(artifact(network), fresh.slices)[:, 1]).summary()
        error = (said["accuracy"] * (1 - said["accuracy"]) / len(fresh.labels)) ** 0.5
        assert abs(measured["accuracy"] - said["accuracy"]) < 4 * error + 0.01
    assert metrics["networks"][SPEC.model.network]["roc_auc"] > 0.85


def test_metrics_follow_from_the_counts():
    labels = np.array([0, 0, 0, 1, 1])
    measured = agreement(labels, np.array([0.1, 0.6, 0.2, 0.5, 0.4], dtype=np.float32)).summary()
    assert measured["confusion_matrix"] == [[2, 1], [1, 1]]
    assert (measured["accuracy"], measured["precision"], measured["recall"], measured["f1"]) == (0.6, 0.5, 0.5, 0.5)
    assert measured["roc_auc"] == pytest.approx(4 / 6, abs=1e-4)  # of six pairs, two are the wrong way round


def test_metrics_labels_and_card_say_the_same(metrics):
    default = TrainingRun()
    assert tuple(metrics["networks"]) == NETWORKS
    assert (metrics["images"], metrics["held_out_images"]) == (default.images, default.held_out)
    assert (metrics["seed"], metrics["held_out_seed"]) == (default.seed, default.held_out_seed)
    assert metrics["held_out_images"] >= 800
    for measured in metrics["networks"].values():
        confusion = np.array(measured["confusion_matrix"])
        assert confusion.sum(axis=1).tolist() == [metrics["held_out_images"] / len(SPEC.model.labels)] * 2
        assert np.trace(confusion) / confusion.sum() == pytest.approx(measured["accuracy"], abs=1e-4)
        assert confusion[1, 1] / confusion[:, 1].sum() == pytest.approx(measured["precision"], abs=1e-4)
        assert confusion[1, 1] / confusion[1].sum() == pytest.approx(measured["recall"], abs=1e-4)
    card = (FOLDER / "README.md").read_text()
    assert metrics_section(metrics) in card
    assert SPEC.model.notice is not None
    assert SPEC.model.notice in card
    for picture in ("confusion_matrix.png", "drawn_slices.png"):
        assert f"({picture})" in card
        assert (FOLDER / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("network", NETWORKS)
def test_an_artifact_is_small_and_holds_the_network_alone(network, metrics, tmp_path):
    folder, said = artifact(network), metrics["networks"][network]
    files = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert set(files) == {"model.bin", "model.xml", "weights.pth"}
    assert sum(files.values()) == said["artifact_bytes"] <= 8_000_000
    assert pack(FOLDER / "model.toml", folder, tmp_path / "model.tar.gz").stat().st_size < 7_000_000
    assert sum(parameter.numel() for parameter in native(network).parameters()) == said["parameters"]
    (output,) = openvino.Core().read_model(folder / "model.xml").outputs
    assert output.partial_shape[1].get_length() == len(SPEC.model.labels)


def test_the_samples_are_the_drawings_they_are_said_to_be():
    for name, label, seed in (("drawn_no.png", 0, 18), ("drawn_yes.png", 1, 18)):
        with Image.open(FOLDER / "samples" / name) as picture:
            assert picture.mode == "L"
            assert np.array_equal(np.asarray(picture), drawn(label, seed))
        assert name in (FOLDER / "samples" / "README.md").read_text()


def test_the_default_network_tells_the_samples_apart():
    no, yes = (np.asarray(Image.open(FOLDER / "samples" / f"drawn_{name}.png")) for name in SPEC.model.labels)
    answers = predict(artifact("cnn_with_attention"), np.stack([no, yes]))
    assert answers.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--images", "7"], "--images is 7; give an even number"),
        (["--held-out", "0"], "--held-out is 0; give an even number"),
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
    command = [sys.executable, "-m", "models.brain_tumor.demonstration", "--out", str(tmp_path / "new")]
    small = ["--images", "16", "--held-out", "10", "--seed", "3"]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}", "OMP_NUM_THREADS": "2"}
    run = subprocess.run(command + small, cwd=ROOT, capture_output=True, text=True, check=True, env=path)
    for stage in ("drawing training slices: 100%", "drawing held-out slices: 100%", "training only_attention: 100%"):
        assert stage in run.stderr
    assert "on 10 held-out slices" in run.stdout
    recorded = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert (recorded["images"], recorded["seed"], recorded["held_out_seed"]) == (16, 3, 5)
    assert (tmp_path / "new" / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    for folder in ("artifact", "artifact_only_attention"):
        assert predict(tmp_path / "new" / folder, drawn(0, 1)[None]).shape == (1, 2)
