"""The gate looks at the interval of the difference, and asks a person whenever that does not settle it."""

import json
import math

import pytest

from contract.gate import GateError, decide

TOLERANCE = 0.02


def interval(low: float, high: float) -> dict[str, float]:
    return {"value": (low + high) / 2, "low": low, "high": high}


def compared(low: float, high: float) -> dict:
    return {"candidate": interval(0.9, 0.94), "current": interval(0.9, 0.94), "difference": interval(low, high)}


BETTER, EQUAL, MARGINAL, WORSE = compared(0.01, 0.05), compared(-0.02, 0.02), compared(-0.03, 0.0), compared(-0.2, -0.1)
UNCOMPARED = {"candidate": interval(0.9, 0.94), "current": None, "difference": None}


def evaluation(**measures: dict | None) -> dict:
    return json.loads(json.dumps({"model": "face-mask", "gated": list(measures), "measures": measures}))


@pytest.mark.parametrize(
    ("measures", "outcome"),
    [
        ({"f1": BETTER, "precision": EQUAL, "roc_auc": BETTER}, "deploy"),
        ({"f1": BETTER, "precision": MARGINAL, "roc_auc": BETTER}, "approve"),
        ({"f1": BETTER, "precision": MARGINAL, "roc_auc": WORSE}, "halt"),
        ({"map_50": WORSE}, "halt"),
        ({"f1": UNCOMPARED, "roc_auc": UNCOMPARED}, "approve"),
        ({"f1": BETTER, "roc_auc": None}, "approve"),
    ],
)
def test_all_must_pass_one_that_is_worse_halts_and_what_is_unsettled_waits_for_a_person(measures, outcome):
    assert decide(evaluation(**measures), TOLERANCE).outcome == outcome


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(-0.02, 0.1, "deploy"), (-0.0201, 0.1, "approve"), (-0.1, -0.02, "approve"), (-0.1, -0.0201, "halt")],
)
def test_the_edge_of_the_tolerance_is_still_tolerated(low, high, outcome):
    assert decide(evaluation(f1=compared(low, high)), TOLERANCE).outcome == outcome


def test_a_better_middle_does_not_hide_an_interval_that_is_too_wide():
    wide = compared(-0.05, 0.2)
    assert wide["difference"]["value"] > 0
    assert decide(evaluation(f1=wide), TOLERANCE).outcome == "approve"


def test_each_measure_has_one_sentence_with_its_numbers():
    verdict = decide(
        evaluation(f1=BETTER, precision=MARGINAL, recall=WORSE, roc_auc=UNCOMPARED, map_50=None), TOLERANCE
    )
    assert [finding.measure for finding in verdict.findings] == ["f1", "precision", "recall", "roc_auc", "map_50"]
    assert [finding.outcome for finding in verdict.findings] == ["deploy", "approve", "halt", "approve", "approve"]
    assert verdict.reasons[0] == (
        "f1 is 0.920, now 0.920; the difference lies in +0.010 to +0.050, not below the -0.02 that is tolerated."
    )
    assert "on both sides" in verdict.reasons[1]
    assert "all of it below" in verdict.reasons[2]
    assert "no current model" in verdict.reasons[3]
    assert "could not be measured" in verdict.reasons[4]


def test_a_measure_that_is_not_gated_decides_nothing():
    told = evaluation(f1=BETTER, recall=WORSE) | {"gated": ["f1"]}
    assert decide(told, TOLERANCE).outcome == "deploy"


@pytest.mark.parametrize("value", [math.nan, math.inf, "0.1", True, None])
def test_what_is_no_number_deploys_nothing(value):
    numbers = BETTER | {"difference": BETTER["difference"] | {"low": value}}
    assert decide(evaluation(f1=numbers), TOLERANCE).outcome == "approve"


@pytest.mark.parametrize(
    "told", [{}, {"gated": [], "measures": {}}, {"gated": "f1", "measures": {"f1": BETTER}}, {"gated": ["f1"]}]
)
def test_refuses_an_evaluation_that_gates_nothing(told):
    with pytest.raises(GateError, match="names no gated measures"):
        decide(told, TOLERANCE)
    assert decide(evaluation(f1=BETTER), TOLERANCE).outcome == "deploy"


@pytest.mark.parametrize("tolerance", [-0.01, 1, math.nan, True, "0.1"])
def test_refuses_a_tolerance_that_is_none(tolerance):
    with pytest.raises(GateError, match="tolerance"):
        decide(evaluation(f1=BETTER), tolerance)
    assert decide(evaluation(f1=BETTER), 0).outcome == "deploy"
