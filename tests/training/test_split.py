"""Stratified splits: every class in both parts, as large a share of each, and the same again by the same seed."""

from collections import Counter

import numpy as np
import pytest

from training.data.split import stratified

LABELS = ["rare"] * 2 + ["common"] * 100 + ["single"] + ["few"] * 5


def test_every_example_is_in_one_part():
    training, validation = stratified(LABELS, 0.2, 7)
    assert sorted([*training, *validation]) == list(range(len(LABELS)))
    assert training.tolist() == sorted(training)


def test_each_class_has_its_share_and_one_at_least_in_both_parts():
    training, validation = (Counter(LABELS[index] for index in part) for part in stratified(LABELS, 0.2, 7))
    assert validation == {"rare": 1, "common": 20, "few": 1}
    assert training == {"rare": 1, "common": 80, "few": 4, "single": 1}


def test_a_large_share_leaves_something_to_train_on():
    training, _ = stratified(LABELS, 0.99, 7)
    assert {LABELS[index] for index in training} == set(LABELS)


def test_a_seed_splits_the_same_again_and_another_seed_otherwise():
    assert np.array_equal(stratified(LABELS, 0.2, 7)[1], stratified(LABELS, 0.2, 7)[1])
    assert not np.array_equal(stratified(LABELS, 0.2, 7)[1], stratified(LABELS, 0.2, 8)[1])


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_refuses_a_share_that_leaves_a_part_empty(share):
    with pytest.raises(ValueError, match="give one between 0 and 1"):
        stratified(LABELS, share, 7)
    assert len(stratified(LABELS, 0.5, 7)[1]) > 50
