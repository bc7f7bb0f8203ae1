"""The drawn scenes are what their boxes say, the measure is right, and the artifact does what its card says."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino
import pytest
import tensorflow as tf
from PIL import Image

from models.labels import read_labels
from models.matching import iou
from models.object_detection.dataset import DRAWN, INPUT_SIDE_PX, Dataset, Split, as_input, draw_dataset, scene_of
from models.object_detection.demonstration import FOLDER, TrainingRun, parse_run
from models.object_detection.evaluate import Detections, curves, detect, summary
from models.object_detection.geometry import STRIDE_PX
from models.object_detection.model_card import metrics_section
from models.object_detection.scenes import MOST_OBJECTS, SCENE_SIDE_PX, draw_scene, lay_out
from models.object_detection.shapes import KINDS, draw_object
from models.object_detection.targets import encode
from models.spec import read_spec

ARTIFACT = FOLDER / "artifact"
ROOT = FOLDER.parent.parent
FRESH_SEED = 20_261  # neither set of the committed training was drawn with it
SAMPLE_NUMBER = 21  # of the held-out set, samples/drawn_scene.jpg
GRID = DRAWN.grid[0]
OUTPUTS = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}


@pytest.fixture(scope="module")
def fresh():
    return draw_dataset(40, Split.HELD_OUT, FRESH_SEED)


@pytest.fixture(scope="module")
def metrics() -> dict:
    return json.loads((FOLDER / "metrics.json").read_text())


def test_a_seed_draws_the_same_scene_again_and_another_seed_another():
    scene, again, other = (draw_scene(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (scene.image.shape, scene.image.dtype) == ((SCENE_SIDE_PX, SCENE_SIDE_PX, 3), np.uint8)
    assert (scene.boxes.dtype, scene.classes.dtype) == (np.float32, np.int64)
    for name in ("image", "boxes", "classes"):
        assert np.array_equal(getattr(scene, name), getattr(again, name))
    assert not np.array_equal(scene.image, other.image)


@pytest.mark.parametrize("seed", range(12))
def test_boxes_are_tight_around_what_can_be_seen(seed):
    scene, layout = draw_scene(np.random.default_rng(seed)), lay_out(np.random.default_rng(seed))
    assert 1 <= len(scene.boxes) == len(layout.seen) <= MOST_OBJECTS
    assert scene.classes.tolist() == list(layout.classes)
    for box, mask in zip(scene.boxes, layout.seen, strict=True):
        top, left, bottom, right = np.rint(box * SCENE_SIDE_PX).astype(int)
        inside = mask[top:bottom, left:right]
        assert inside.sum() == mask.sum() > 0
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_what_is_seen_of_one_object_is_seen_of_no_other():
    for seed in range(12):
        assert np.sum(lay_out(np.random.default_rng(seed)).seen, axis=0).max() == 1


def test_sets_hold_every_kind_and_every_size_from_small_to_large(fresh):
    classes, boxes = np.concatenate(fresh.classes), np.concatenate(fresh.boxes)
    assert set(classes) == set(range(1, len(KINDS) + 1))
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) * SCENE_SIDE_PX
    assert longer.min() < 40
    assert longer.max() > 110


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_as_long_as_asked_and_cut_to_its_outline(kind):
    for seed in range(5):
        thing = draw_object(kind, 100, np.random.default_rng(seed))
        solid = np.asarray(thing.getchannel("A")) > 127
        assert max(thing.size) == 100
        assert 0.15 < solid.mean() < 0.98
        assert all(solid[edge].any() for edge in (slice(0, 2), slice(-2, None)))


def test_no_held_out_scene_is_a_training_scene_and_sets_grow_at_their_end(fresh):
    training = draw_dataset(10, Split.TRAINING, FRESH_SEED)
    assert not any(np.array_equal(one, other) for one in training.pictures for other in fresh.pictures)
    assert np.array_equal(draw_dataset(10, Split.HELD_OUT, FRESH_SEED).pictures, fresh.pictures[:10])
    assert np.array_equal(as_input(scene_of(Split.HELD_OUT, FRESH_SEED, 3).image), fresh.pictures[3])


def test_a_target_says_where_the_middle_is_and_how_far_the_edges_are():
    target = encode(np.array([[0.25, 0.5, 0.5, 0.75]], np.float32), np.array([4]), DRAWN)
    heat, distances = target[..., : len(KINDS)], target[..., len(KINDS) : -1]
    row, column, kind = np.unravel_index(heat.argmax(), heat.shape)
    assert (row, column, kind) == (GRID * 3 // 8, GRID * 5 // 8, 3)
    assert heat[row, column, kind] == 1
    x, y = (column + 0.5) * STRIDE_PX, (row + 0.5) * STRIDE_PX
    edges = [x - INPUT_SIDE_PX / 2, y - INPUT_SIDE_PX / 4, 3 * INPUT_SIDE_PX / 4 - x, INPUT_SIDE_PX / 2 - y]
    assert distances[row, column].tolist() == edges
    assert target[..., -1].sum() == pytest.approx(1)


def test_a_small_object_keeps_its_middle_on_a_large_one():
    boxes = np.array([[0.45, 0.45, 0.55, 0.55], [0, 0, 1, 1]], np.float32)
    target = encode(boxes, np.array([1, 2]), DRAWN)
    assert (target[..., 0].max(), target[..., 1].max()) == (1, 1)
    assert target[GRID // 2, GRID // 2, len(KINDS) : -1].max() < 20


def test_iou_by_hand():
    one = np.array([[0, 0, 2, 2], [0, 0, 1, 1]], np.float32)
    other = np.array([[0, 1, 2, 3], [5, 5, 6, 6]], np.float32)
    np.testing.assert_allclose(iou(one, other), [[1 / 3, 0], [0, 0]], atol=1e-6)


def seen(*rows: tuple[float, float]) -> Detections:
    """Of class 1, each as (xmin, score): boxes of 0.2 x 0.2 at the top of the picture."""
    boxes = [[0, xmin, 0.2, xmin + 0.2] for xmin, _ in rows]
    scores = np.array([score for _, score in rows], np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, np.ones(len(rows), np.int64))


def holding(*pictures: tuple[float, ...]) -> Dataset:
    """Pictures with objects of class 1 at the given xmin."""
    boxes = [np.array([[0, x, 0.2, x + 0.2] for x in given], np.float32).reshape(-1, 4) for given in pictures]
    return Dataset(np.zeros((len(pictures), 8, 8, 3), np.uint8), boxes, [np.ones(len(box), np.int64) for box in boxes])


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        (holding((0.1, 0.6)), [seen((0.1, 0.9), (0.6, 0.8))], 1.0),
        (holding((0.1, 0.6)), [seen((0.1, 0.9))], 0.5),
        (holding((0.1, 0.6)), [seen()], 0.0),
        (holding((0.1,)), [seen((0.1, 0.9), (0.1, 0.8))], 1.0),  # found twice: wrong, but after the last object
        (holding((0.1, 0.6)), [seen((0.1, 0.9), (0.11, 0.8), (0.6, 0.7))], 0.5 + 0.5 * 2 / 3),
        (holding((0.1,)), [seen((0.22, 0.9))], 0.0),  # IoU 0.25
        (holding((0.1,), (0.1,)), [seen((0.1, 0.4)), seen((0.6, 0.9), (0.1, 0.3))], 2 / 3),
        (holding((0.1,), ()), [seen((0.1, 0.4)), seen((0.6, 0.9))], 0.5),
    ],
)
def test_average_precision_by_hand(truth, found, expected):
    assert curves(truth, found)["ball"].average_precision == pytest.approx(expected)


def test_the_mean_is_over_the_classes_that_there_were_to_find():
    boxes = np.array([[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]], np.float32)
    truth = Dataset(np.zeros((1, 8, 8, 3), np.uint8), [boxes], [np.array([1, 6])])
    found = Detections(boxes, np.array([0.9, 0.8], np.float32), np.array([1, 2]))
    result = summary(truth, [found])
    assert result["average_precision_50"] == {"ball": 1.0, "key": 0.0}
    assert result["held_out_objects"] == {"ball": 1, "key": 1}
    assert result["map_50"] == 0.5
    assert result["at_score"] == {"score": 0.3, "precision": 0.5, "recall": 0.5}


def test_the_artifact_is_small_and_holds_the_network_alone(metrics):
    size = sum(file.stat().st_size for file in ARTIFACT.rglob("*") if file.is_file())
    assert size == metrics["artifact_bytes"] <= 3_500_000
    stored = tf.train.list_variables(str(ARTIFACT / "variables" / "variables"))
    floats = sum(int(np.prod(shape)) for name, shape in stored if name.startswith("network/"))
    assert floats == metrics["parameters"] < 700_000
    assert b"optimizer" not in (ARTIFACT / "saved_model.pb").read_bytes()


def test_the_artifact_has_the_apis_signature_for_a_picture_of_any_size():
    serve = tf.saved_model.load(str(ARTIFACT)).signatures["serving_default"]
    (given,) = serve.structured_input_signature[1].values()
    assert (given.name, given.dtype, given.shape.as_list()) == ("input_tensor", tf.uint8, [1, None, None, 3])
    outputs = serve(input_tensor=tf.constant(scene_of(Split.HELD_OUT, FRESH_SEED, 0).image[None, :200]))
    assert set(outputs) == OUTPUTS
    assert all(value.dtype == tf.float32 for value in outputs.values())
    shapes = {name.removeprefix("detection_"): value.shape.as_list() for name, value in outputs.items()}
    assert shapes == {"boxes": [1, 50, 4], "scores": [1, 50], "classes": [1, 50], "num_detections": [1]}


def test_the_artifact_finds_the_objects_of_fresh_scenes(fresh, metrics):
    assert metrics["map_50"] >= 0.6
    result = summary(fresh, detect(ARTIFACT, list(fresh.pictures)))
    assert result["map_50"] >= 0.5


def test_openvino_reads_the_same_answers_from_the_same_files():
    serve = tf.saved_model.load(str(ARTIFACT)).signatures["serving_default"]
    network = openvino.Core().read_model(ARTIFACT)
    network.reshape([1, SCENE_SIDE_PX, SCENE_SIDE_PX, 3])
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for number in range(20):
        picture = scene_of(Split.HELD_OUT, FRESH_SEED, number).image[None]
        theirs = {name: value.numpy() for name, value in serve(input_tensor=tf.constant(picture)).items()}
        ours = compiled(picture)
        np.testing.assert_allclose(ours["detection_scores"], theirs["detection_scores"], atol=1e-3)
        sure = theirs["detection_scores"] > 0.05  # below, equal scores may swap places
        for name in ("detection_boxes", "detection_classes"):
            np.testing.assert_allclose(ours[name][sure], theirs[name][sure], atol=1e-3)
        assert ours["num_detections"] == theirs["num_detections"]


def test_the_drawn_sample_is_the_scene_it_is_said_to_be(metrics):
    with Image.open(FOLDER / "samples" / "drawn_scene.jpg") as photo:
        stored = np.asarray(photo)
    drawn = scene_of(Split.HELD_OUT, metrics["seed"], SAMPLE_NUMBER).image
    assert np.abs(stored.astype(int) - drawn).mean() < 4  # JPEG at quality 95


def test_metrics_labels_and_card_say_the_same(metrics):
    labels = read_labels(read_spec(FOLDER / "model.toml"), ARTIFACT)
    default = TrainingRun()
    assert labels == dict(enumerate(KINDS, 1))
    assert tuple(metrics["average_precision_50"]) == KINDS
    assert np.mean(list(metrics["average_precision_50"].values())) == pytest.approx(metrics["map_50"], abs=1e-4)
    assert (metrics["scenes"], metrics["epochs"], metrics["seed"]) == (default.scenes, default.epochs, default.seed)
    assert metrics["held_out_scenes"] == default.held_out >= 400
    assert metrics_section(metrics) in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--scenes", "0"], "--scenes is 0; give 1 or more"),
        (["--held-out", "0"], "--held-out is 0; give 1 or more"),
        (["--epochs", "-2"], "--epochs is -2; give 1 or more"),
        (["--seed", "-1"], "--seed is -1; give a number from 0"),
        (["--out", __file__], "is a file; give a folder"),
    ],
)
def test_training_refuses_a_bad_argument_before_it_starts(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_run(arguments)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err
    assert parse_run(["--scenes", "10", "--out", "elsewhere"]) == TrainingRun(scenes=10, out=Path("elsewhere"))


def test_a_small_training_writes_everything_and_shows_its_progress(tmp_path):
    command = [sys.executable, "-m", "models.object_detection.demonstration", "--out", str(tmp_path / "new")]
    small = ["--scenes", "16", "--held-out", "4", "--epochs", "1", "--seed", "3"]
    run = subprocess.run(command + small, cwd=ROOT, capture_output=True, text=True, check=True)
    for stage in (
        "drawing training: 100%",
        "drawing held_out: 100%",
        "training, epoch 1 of 1: 100%",
        "detecting: 100%",
    ):
        assert stage in run.stderr
    assert "on 4 held-out scenes" in run.stdout
    recorded = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert (recorded["scenes"], recorded["seed"]) == (16, 3)
    for name, begins in (("precision_recall.png", b"\x89PNG"), ("held_out_scenes.jpg", b"\xff\xd8\xff")):
        assert (tmp_path / "new" / name).read_bytes().startswith(begins)
    (found,) = detect(tmp_path / "new" / "artifact", [draw_scene(np.random.default_rng(1)).image])
    assert len(found.boxes) == len(found.scores) == len(found.classes)
