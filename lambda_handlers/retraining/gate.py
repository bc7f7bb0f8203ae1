"""The gate: evaluation.json in, what becomes of the candidate out. contract.gate decides."""

import json
import os
from collections.abc import Mapping
from typing import Any

from contract.gate import decide
from lambda_handlers.retraining.aws import client
from lambda_handlers.retraining.settings import settings

_LONGEST_REASON = 1000  # SageMaker, ApprovalDescription: 1024
_LONGEST_VALUE = 256  # SageMaker, CustomerMetadataProperties


class EvaluationUnreadable(Exception):
    """What the evaluation wrote is no evaluation."""


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """`outcome`, `reason` and, for the registry, `metrics` of the evaluation at the event's `key`.

    Raises EvaluationUnreadable and GateError.
    """
    body = client("s3").get_object(Bucket=os.environ["TRAINING_BUCKET"], Key=event["key"])["Body"].read()
    try:
        evaluation = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EvaluationUnreadable(
            f"{event['key']} is not JSON; the processing job's log says what it wrote"
        ) from error
    if not isinstance(evaluation, dict):
        raise EvaluationUnreadable(f"{event['key']} is no JSON object; the processing job's log says what it wrote")
    verdict = decide(evaluation, settings().tolerance)
    reason = " ".join(verdict.reasons)[:_LONGEST_REASON]
    return {"outcome": verdict.outcome, "reason": reason, "metrics": _metrics(evaluation)}


def _metrics(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """The candidate's measures and what they were taken on, as the registry keeps them: strings."""
    metrics = {
        f"metric:{name}": f"{numbers['candidate']['value']:.6g}"
        for name, numbers in evaluation["measures"].items()
        if isinstance((numbers or {}).get("candidate"), dict) and numbers["candidate"].get("value") is not None
    }
    data = evaluation.get("data", {})
    held_out = {"held-out:sha256": data.get("sha256"), "held-out:examples": evaluation.get("examples")}
    metrics |= {name: str(value) for name, value in held_out.items() if value is not None}
    return {name: value[:_LONGEST_VALUE] for name, value in metrics.items()}
