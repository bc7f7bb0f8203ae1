"""PSI: by hand, on the same distribution, on one that moved; and bins that hold every value."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.stability import FEWEST, LITTLE, SIGNIFICANT, Bins, psi, verdict


def test_it_is_what_the_formula_says():
    shares = [[50.5 / 101, 30.5 / 101.5, 20.5 / 101.5], [20.5 / 101.5, 30.5 / 101.5, 50.5 / 101.5]]
    shares[0][0] = 50.5 / 101.5
    expected = sum((after - before) * math.log(after / before) for before, after in zip(*shares, strict=True))
    assert psi([50, 30, 20], [20, 30, 50]) == pytest.approx(expected)
    assert psi([50, 30, 20], [500, 300, 200]) == pytest.approx(0, abs=1e-3)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12), st.data())
def test_it_is_finite_never_negative_and_symmetric(before, data):
    now = data.draw(st.lists(st.integers(0, 1000), min_size=len(before), max_size=len(before)))
    moved = psi(before, now)
    assert 0 <= moved < math.inf
    assert psi(now, before) == pytest.approx(moved)


def test_the_fewest_values_stay_below_little_change_and_a_shift_of_one_deviation_does_not():
    rng = random.Random(1)
    baseline = [rng.gauss(100, 20) for _ in range(5000)]
    bins = Bins.of(baseline)
    before = bins.count(baseline)
    same = [psi(before, bins.count(rng.gauss(100, 20) for _ in range(FEWEST))) for _ in range(200)]
    assert sum(moved >= LITTLE for moved in same) / len(same) <= 0.05
    shifted = [psi(before, bins.count(rng.gauss(120, 20) for _ in range(FEWEST))) for _ in range(20)]
    assert min(shifted) > SIGNIFICANT


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.lists(st.floats(-1e9, 1e9)))
def test_each_number_falls_into_one_bin(baseline, values):
    assert sum(Bins.of(baseline).count(values)) == len(values)


def test_few_values_have_bins_of_their_own_and_a_new_one_is_other():
    bins = Bins.of([224.0] * 300)
    assert bins.names == ("224", "other")
    assert bins.count([224.0, 512.0, 100.0]) == [1, 2]
    labels = Bins.of(["cat"] * 5 + ["dog"] * 3)
    assert labels.count(["dog", "cat", "fox"]) == [1, 1, 1]
    assert psi([300, 0], [100, 200]) > SIGNIFICANT


@pytest.mark.parametrize(
    ("value", "said"), [(0.0999, "stable"), (0.1, "moderate"), (0.25, "moderate"), (0.2501, "significant")]
)
def test_the_thresholds_are_those_of_the_convention(value, said):
    assert verdict(value) == said
