"""Whether the endpoints answer with the new model: a sample is sent to each, and the answer has the task's shape."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_handlers.retraining.aws import client
from lambda_handlers.retraining.settings import PACKAGE, settings

PATIENCE_S = 300.0  # a cold serverless endpoint, or a copy that has to be started first
_PAUSE_S = 5.0
_PASSES = ("ModelNotReadyException", "ThrottlingException", "ServiceUnavailable", "InternalFailure")
_NO_COPY = "has no capacity to process this request"


class SmokeTestFailed(Exception):
    """Which endpoint answered what instead."""


def handler(_event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """The names of the endpoints that answered as they should. Raises SmokeTestFailed with the first that did not."""
    told, runtime = settings(), client("sagemaker-runtime", attempts=1)
    sample = (PACKAGE / told.sample).read_bytes()
    asked = []
    for target in told.targets:
        name = target["EndpointName"]
        body = _answer(runtime, {**target, "Body": sample, "ContentType": told.sample_type}, name)
        fault = fault_of(body, told.task, told.labels, told.model)
        if fault:
            raise SmokeTestFailed(f"{name}: {fault}")
        asked.append(name)
    return {"asked": asked}


def _answer(runtime: Any, request: Mapping[str, Any], name: str) -> bytes:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            body: bytes = runtime.invoke_endpoint(**request)["Body"].read()
        except ClientError as error:
            code, message = (str(error.response["Error"].get(key, "")) for key in ("Code", "Message"))
            passes = code in _PASSES or (code == "ValidationError" and _NO_COPY in message)
            if not passes or time.monotonic() > deadline:
                raise SmokeTestFailed(f"{name}: {code}: {message}") from error
        except BotoCoreError as error:
            raise SmokeTestFailed(f"{name}: {error}") from error
        else:
            return body
        time.sleep(_PAUSE_S)


def fault_of(body: bytes, task: str, labels: Sequence[str], model: str) -> str | None:
    """What of the answer is not as the task has it; None when all is."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "the answer is not JSON"
    if not isinstance(answer, dict) or answer.get("model") != model:
        return f"the answer is not of {model}"
    key, name, may_be_empty = _SHAPES[task]
    rows = answer.get(key)
    if not isinstance(rows, list) or (not rows and not may_be_empty):
        return f"the answer has no {key}"
    faults: list[Callable[[Any], bool]] = [
        lambda row: not isinstance(row, dict),
        lambda row: row.get(name) not in labels,
        lambda row: not _is_score(row.get("score")),
    ]
    unfit = next((row for row in rows if any(fault(row) for fault in faults)), None)
    return (
        None
        if unfit is None
        else f"{key} holds {json.dumps(unfit)[:200]}, which is no {name} of the model's with a score"
    )


def _is_score(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= 1


_SHAPES = {
    "image-classification": ("predictions", "label", False),
    "object-detection": ("detections", "label", True),
    "pose-sequence-classification": ("instances", "gloss", False),
}
"""Task -> the answer's list, what names a class in it, and whether nothing may have been found."""
