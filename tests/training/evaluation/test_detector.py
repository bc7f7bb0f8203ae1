"""Average precision over resamples is that of the pictures repeated, and on all pictures the model card's."""

import numpy as np
import pytest

from models.object_detection.dataset import Dataset
from models.object_detection.evaluate import Detections, curves
from models.object_detection.shapes import KINDS
from training.evaluation.bootstrap import compare
from training.evaluation.detector import DetectorMeasures, Found, Objects

CLASSES = len(KINDS)


def drawn(pictures: int, seed: int) -> tuple[list[Objects], list[Found]]:
    """Random objects; a model that finds most of them a little beside, and some things that are not there."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(pictures):
        count = int(rng.integers(0, 5))
        low = rng.uniform(0, 0.7, (count, 2))
        boxes = np.hstack([low, low + rng.uniform(0.1, 0.3, (count, 2))]).astype(np.float32)
        classes = rng.integers(0, CLASSES, count)
        seen = rng.random(count) < 0.8
        false = rng.uniform(0, 0.5, (3, 2))
        others = np.hstack([false, false + 0.2])
        near = boxes[seen] + rng.normal(0, 0.02, (int(seen.sum()), 4))
        found_classes = np.concatenate([classes[seen], rng.integers(-1, CLASSES, 3)])
        scores = np.concatenate([rng.uniform(0.2, 1, int(seen.sum())), rng.uniform(0, 0.6, 3)]).round(2)
        truth.append(Objects(boxes, classes))
        found.append(Found(np.vstack([near, others]).astype(np.float32), found_classes, scores.astype(np.float32)))
    return truth, found


def points(truth: list[Objects], found: list[Found]) -> dict[str, float]:
    measures = DetectorMeasures(truth, found, CLASSES)(np.ones((1, len(truth))))
    return {name: float(value[0]) for name, value in measures.items()}


def test_average_precision_is_that_of_the_models_card():
    truth, found = drawn(40, seed=1)
    picture = np.zeros((1, 1, 1, 3), np.uint8)
    boxes, classes = [one.boxes for one in truth], [one.classes + 1 for one in truth]
    detections = [Detections(one.boxes, one.scores, one.classes + 1) for one in found]
    expected = curves(Dataset(picture, boxes, classes), detections)
    ours = dict(zip(KINDS, DetectorMeasures(truth, found, CLASSES).curves(), strict=True))
    assert {kind: curve.objects for kind, curve in expected.items()} == {k: c.objects for k, c in ours.items()}
    for kind, curve in expected.items():
        assert ours[kind].average_precision == pytest.approx(curve.average_precision), kind
    mean = np.mean([curve.average_precision for curve in expected.values()])
    assert points(truth, found)["map_50"] == pytest.approx(mean)


def test_a_resample_is_measured_as_the_pictures_it_repeats():
    truth, found = drawn(25, seed=2)
    chosen = np.random.default_rng(3).integers(25, size=25)
    weights = np.bincount(chosen, minlength=25).astype(float)[None]
    weighted = {k: float(v[0]) for k, v in DetectorMeasures(truth, found, CLASSES)(weights).items()}
    assert weighted == pytest.approx(points([truth[at] for at in chosen], [found[at] for at in chosen]))


def test_the_best_detection_of_an_object_is_right_and_the_second_is_not():
    box = np.array([[0.1, 0.1, 0.5, 0.5]], np.float32)
    truth = [Objects(box, np.array([2]))]
    twice = [Found(np.vstack([box, box]), np.array([2, 2]), np.array([0.6, 0.9], np.float32))]
    assert twice[0].matched(truth[0]).tolist() == [-1, 0]
    assert points(truth, twice) == {"map_50": 1.0, "precision": 0.5, "recall": 1.0}
    elsewhere = [Found(box + 0.4, np.array([2]), np.array([0.9], np.float32))]
    assert points(truth, elsewhere) == {"map_50": 0.0, "precision": 0.0, "recall": 0.0}


def test_a_model_that_finds_nothing_has_a_map_of_zero_and_pictures_of_nothing_none():
    truth, _ = drawn(10, seed=4)
    nothing = Found(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    found = compare(DetectorMeasures(truth, [nothing] * 10, CLASSES), None, 10, resamples=50)["map_50"].candidate
    assert found is not None
    assert (found.value, found.low, found.high) == (0, 0, 0)
    no_objects = [Objects(nothing.boxes, nothing.classes)] * 10
    undefined = compare(DetectorMeasures(no_objects, [nothing] * 10, CLASSES), None, 10, resamples=50)
    assert all(comparison.candidate is None for comparison in undefined.values())


def test_a_model_that_misses_more_is_worse_by_an_interval_that_says_so():
    truth, found = drawn(80, seed=5)
    half = [Found(one.boxes[::2], one.classes[::2], one.scores[::2]) for one in found]
    difference = compare(
        DetectorMeasures(truth, half, CLASSES), DetectorMeasures(truth, found, CLASSES), 80, resamples=200
    )["map_50"].difference
    assert difference is not None
    assert difference.low < difference.value < difference.high < -0.1
