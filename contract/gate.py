"""Whether a newly trained model may take the place of the one that is served: a decision from evaluation.json alone.

The 95 % interval of the difference decides, not its middle: on few examples a worse model often looks as good. The
pipeline's function and the report page ask here, so that both say the same.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE = 0.01
"""How much lower than now a measure may be where nobody says otherwise."""

Outcome = Literal["deploy", "halt", "approve"]
"""`approve`: a person has to."""


class GateError(Exception):
    """An evaluation or a tolerance from which nothing can be decided; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one measure says: `outcome` is what it would lead to alone, `reason` one sentence for people."""

    measure: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the candidate, and what each gated measure says of it."""

    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence per gated measure."""
        return tuple(finding.reason for finding in self.findings)


def decide(evaluation: Mapping[str, object], tolerance: float) -> Verdict:
    """The verdict on the candidate of `evaluation`, the content of evaluation.json.

    For each gated measure the difference (candidate - current) is compared with `tolerance`, in the measure's own
    unit: its whole interval at -tolerance or above passes, its whole interval below halts, and in between a person
    decides, as they do where a measure or the current model is absent. All must pass; one that halts is enough.
    Raises GateError.
    """
    check_tolerance(tolerance)
    gated, measures = evaluation.get("gated"), evaluation.get("measures")
    if not isinstance(gated, Sequence) or isinstance(gated, str) or not gated or not isinstance(measures, Mapping):
        raise GateError("evaluation.json names no gated measures; write it with python -m training.evaluation")
    findings = tuple(_finding(str(name), measures.get(name), float(tolerance)) for name in gated)
    outcomes = {finding.outcome for finding in findings}
    return Verdict("halt" if "halt" in outcomes else "approve" if "approve" in outcomes else "deploy", findings)


def check_tolerance(tolerance: float) -> None:
    """Raises GateError for one that would let everything or nothing pass."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < 1:
        raise GateError(f"the tolerance is {tolerance!r}; give a number from 0 to below 1, such as {TOLERANCE}")


def _finding(measure: str, numbers: object, tolerance: float) -> Finding:
    candidate = _number(numbers, "candidate", "value")
    if candidate is None:
        return Finding(measure, "approve", f"{measure} could not be measured on these examples: a person decides.")
    current = _number(numbers, "current", "value")
    low, high = _number(numbers, "difference", "low"), _number(numbers, "difference", "high")
    if current is None or low is None or high is None:
        reason = f"{measure} is {candidate:.3f}, and there is no current model to compare it with: a person decides."
        return Finding(measure, "approve", reason)
    compared = f"{measure} is {candidate:.3f}, now {current:.3f}; the difference lies in {low:+.3f} to {high:+.3f}"
    if low >= -tolerance:
        return Finding(measure, "deploy", f"{compared}, not below the {-tolerance:+g} that is tolerated.")
    if high < -tolerance:
        return Finding(measure, "halt", f"{compared}, all of it below the {-tolerance:+g} that is tolerated.")
    reason = f"{compared}, on both sides of the {-tolerance:+g} that is tolerated: a person decides."
    return Finding(measure, "approve", reason)


def _number(numbers: object, of: str, key: str) -> float | None:
    """The finite number at `of`.`key`, or None: what was not measured is null or not there."""
    told = numbers.get(of) if isinstance(numbers, Mapping) else None
    value = told.get(key) if isinstance(told, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
