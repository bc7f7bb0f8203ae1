"""The measures are scikit-learn's, their intervals hold what they promise, and two models are compared in pairs."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support, roc_auc_score

from training.evaluation.bootstrap import compare
from training.evaluation.calibration import BINS, expected_calibration_error, reliability
from training.evaluation.classifier import Answers, ClassifierMeasures
from training.evaluation.curves import HISTOGRAM_BINS, histogram, roc_curve

POINT = 0


def drawn(count: int, classes: int, seed: int, *, positive: int | None = None, skill: float = 1.5) -> Answers:
    """Random labels, and a model that leans to the right one; probabilities of two digits, so that some are alike."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=count)
    logits = rng.normal(size=(count, classes)) + skill * np.eye(classes)[labels]
    powers = np.exp(logits)
    return Answers(labels, np.round(powers / powers.sum(axis=1, keepdims=True), 2), positive)


def points(answers: Answers) -> dict[str, float]:
    return {k: float(v[POINT]) for k, v in ClassifierMeasures(answers)(np.ones((1, len(answers.labels)))).items()}


@pytest.mark.parametrize("positive", [0, 1])
def test_measures_of_a_positive_class_are_scikit_learns(positive):
    answers = drawn(300, 2, seed=1, positive=positive)
    precision, recall, f1, _ = precision_recall_fscore_support(
        answers.labels, answers.predicted, pos_label=positive, average="binary"
    )
    area = roc_auc_score(answers.labels == positive, answers.probabilities[:, positive])
    accuracy = accuracy_score(answers.labels, answers.predicted)
    expected = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1, "roc_auc": area}
    assert points(answers) == pytest.approx(expected)


def test_measures_of_more_classes_are_scikit_learns_macro_averages():
    answers = drawn(400, 5, seed=2)
    precision, recall, f1, _ = precision_recall_fscore_support(answers.labels, answers.predicted, average="macro")
    one_against_rest = [roc_auc_score(answers.labels == one, answers.probabilities[:, one]) for one in range(5)]
    found = points(answers)
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx((precision, recall, f1))
    assert found["roc_auc"] == pytest.approx(np.mean(one_against_rest))
    assert answers.confusion().tolist() == confusion_matrix(answers.labels, answers.predicted).tolist()


def test_a_resample_is_measured_as_the_examples_it_repeats():
    answers = drawn(60, 3, seed=3)
    chosen = np.random.default_rng(4).integers(60, size=60)
    repeated = Answers(answers.labels[chosen], answers.probabilities[chosen])
    weights = np.bincount(chosen, minlength=60).astype(float)[None]
    weighted = {name: float(value[POINT]) for name, value in ClassifierMeasures(answers)(weights).items()}
    assert weighted == pytest.approx(points(repeated))


def test_intervals_hold_the_true_accuracy_as_often_as_they_say():
    """A model that is right with probability 0.8: of 200 sets of 150 examples about 95 % must have 0.8 inside."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(200):
        right = rng.random(150) < 0.8
        labels = rng.integers(2, size=150)
        answers = Answers(labels, np.eye(2)[np.where(right, labels, 1 - labels)], positive=1)
        accuracy = compare(ClassifierMeasures(answers), None, 150, resamples=300)["accuracy"].candidate
        assert accuracy is not None
        held += accuracy.low <= 0.8 <= accuracy.high
    assert 0.89 <= held / 200 <= 0.99


def test_the_width_is_that_of_the_binomial():
    right = np.arange(400) < 320
    labels = np.arange(400) % 2
    answers = Answers(labels, np.eye(2)[np.where(right, labels, 1 - labels)], positive=1)
    accuracy = compare(ClassifierMeasures(answers), None, 400)["accuracy"].candidate
    assert accuracy is not None
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert (accuracy.value, accuracy.low, accuracy.high) == pytest.approx((0.8, 0.8 - half, 0.8 + half), abs=0.006)


def test_the_difference_of_two_models_is_narrower_in_pairs_than_apart():
    """The current model makes the candidate's mistakes, and three of its own."""
    candidate = drawn(300, 2, seed=6, positive=1)
    others = candidate.probabilities.copy()
    right = np.flatnonzero(candidate.predicted == candidate.labels)[:3]
    others[right] = others[right, ::-1]
    current = Answers(candidate.labels, others, positive=1)
    accuracy = compare(ClassifierMeasures(candidate), ClassifierMeasures(current), 300)["accuracy"]
    assert accuracy.candidate is not None
    assert accuracy.current is not None
    assert accuracy.difference is not None
    assert accuracy.difference.value == pytest.approx(0.01)
    apart = np.hypot(*(one.high - one.low for one in (accuracy.candidate, accuracy.current)))
    assert accuracy.difference.high - accuracy.difference.low < apart / 2
    assert accuracy.difference.low >= 0


def test_a_model_differs_from_itself_in_nothing_and_the_seed_is_fixed():
    answers = drawn(100, 3, seed=7)
    one, again = (compare(ClassifierMeasures(answers), ClassifierMeasures(answers), 100, resamples=50) for _ in "ab")
    assert one == again
    assert {(d.value, d.low, d.high) for c in one.values() if (d := c.difference)} == {(0, 0, 0)}


def test_a_class_without_an_example_leaves_roc_auc_out_and_the_macro_average_to_the_others():
    answers = drawn(200, 3, seed=8)
    with_an_unseen = Answers(answers.labels, np.hstack([answers.probabilities, np.zeros((200, 1))]))
    found = compare(ClassifierMeasures(with_an_unseen), None, 200, resamples=20)
    assert found["roc_auc"].candidate is None
    assert found["f1"].candidate is not None
    assert found["f1"].candidate.value == pytest.approx(points(answers)["f1"])


def test_no_example_of_the_positive_class_leaves_accuracy_alone():
    answers = Answers(np.zeros(20, np.int64), np.tile([0.7, 0.3], (20, 1)), positive=1)
    found = compare(ClassifierMeasures(answers), None, 20, resamples=20)
    assert {name for name, comparison in found.items() if comparison.candidate} == {"accuracy"}


def test_a_resample_that_lost_the_only_positive_is_left_out():
    """With one positive among 30, every third resample has none: the interval comes from the others."""
    labels = (np.arange(30) == 0).astype(np.int64)
    answers = Answers(labels, np.eye(2)[labels], positive=1)
    found = compare(ClassifierMeasures(answers), None, 30)
    for name in ("recall", "f1", "roc_auc"):
        interval = found[name].candidate
        assert interval is not None
        assert (interval.value, interval.low, interval.high) == (1, 1, 1), name


def test_one_example_is_measured_without_a_warning():
    found = compare(ClassifierMeasures(Answers(np.array([1]), np.array([[0.2, 0.8]]), positive=1)), None, 1)
    assert found["accuracy"].candidate is not None
    assert found["roc_auc"].candidate is None


def test_refuses_labels_and_probabilities_that_do_not_belong_together():
    good = np.array([[0.2, 0.8], [0.6, 0.4]])
    for labels, probabilities in (
        (np.array([0]), good),
        (np.array([0, 2]), good),
        (np.array([], np.int64), good[:0]),
        (np.array([0, 1]), good * np.nan),
    ):
        with pytest.raises(ValueError, match=r"labels|label"):
            Answers(labels, probabilities)
    assert Answers(np.array([0, 1]), good).classes == 2


def test_a_sure_model_that_errs_is_badly_calibrated_and_an_honest_one_well():
    labels = np.arange(1000) % 2
    right = np.arange(1000) % 5 != 0  # four of five
    said = np.where(right, labels, 1 - labels)
    sure, honest = (Answers(labels, np.where(np.eye(2)[said] > 0, p, 1 - p), positive=1) for p in (0.99, 0.8))
    assert expected_calibration_error(reliability(sure)) == pytest.approx(0.19)
    assert expected_calibration_error(reliability(honest)) == pytest.approx(0, abs=1e-9)


def test_every_example_lies_in_one_bin_even_at_the_edges():
    answers = Answers(np.array([0, 0, 1, 1]), np.array([[1, 0], [0.6, 0.4], [0.5, 0.5], [0.2, 0.8]]), positive=1)
    bins = reliability(answers)
    assert len(bins) == BINS
    assert sum(one.examples for one in bins) == 4
    assert (bins[-1].examples, bins[-1].accuracy) == (1, 1.0)
    assert all(one.low <= one.confidence <= one.high for one in bins if one.confidence is not None)


def test_the_roc_curve_encloses_the_area_that_is_measured():
    answers = drawn(150, 2, seed=11, positive=1)
    false, true = roc_curve(answers.labels == 1, answers.probabilities[:, 1])
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(points(answers)["roc_auc"])


def test_a_long_curve_is_thinned_and_keeps_its_shape():
    answers = drawn(3000, 2, seed=12, positive=1)
    scores = answers.probabilities[:, 1] + np.random.default_rng(13).uniform(0, 0.005, 3000)
    false, true = roc_curve(answers.labels == 1, scores)
    assert len(false) == len(true) == 201
    assert np.trapezoid(true, false) == pytest.approx(roc_auc_score(answers.labels, scores), abs=1e-3)


def test_every_score_is_in_the_histogram_once():
    counts = histogram(np.array([0.0, 0.049, 0.05, 0.5, 1.0, 1.0]))
    assert (len(counts), sum(counts), counts[0], counts[1], counts[-1]) == (HISTOGRAM_BINS, 6, 2, 1, 2)
