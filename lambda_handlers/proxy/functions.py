"""Lambda's Invoke, for models that are functions themselves: the same request as a container's, as an event."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract.errors import ModelFailed, ModelTimeout
from contract.media import JSON
from contract.options import HEADER
from lambda_handlers.proxy.aws import client, from_container, told, translated
from lambda_handlers.proxy.invocation import Invocation, Prediction, timings
from lambda_handlers.proxy.registry import Target

_TIMED_OUT = "Task timed out"


class Functions:
    """Lambda's API as one verb."""

    def __init__(self) -> None:
        self.client = client("lambda")

    def invoke(self, target: Target, asked: Invocation) -> Prediction:
        """The prediction asked for, by one call. Raises ApiError."""
        try:
            response = self.client.invoke(
                FunctionName=target.name, InvocationType="RequestResponse", Payload=_event(asked)
            )
            content = response["Payload"].read()
        except (ClientError, BotoCoreError) as error:
            raise translated(error, target) from error
        if response.get("FunctionError"):
            raise _broken(content)
        return _prediction(content, target)


def _event(asked: Invocation) -> bytes:
    """What the function is given; containers/model_server/aws_lambda.py reads it."""
    event = {
        "headers": {"content-type": asked.media_type, "accept": asked.accept, HEADER.lower(): asked.attributes},
        "body": base64.b64encode(asked.body).decode(),
        "isBase64Encoded": True,
    }
    return json.dumps(event, separators=(",", ":")).encode()


def _broken(content: bytes) -> ModelTimeout | ModelFailed:
    """A function that Lambda stopped, or that raised, crashed or did not start."""
    said = _object(content).get("errorMessage")
    return ModelTimeout() if isinstance(said, str) and _TIMED_OUT in said else ModelFailed()


def _prediction(content: bytes, target: Target) -> Prediction:
    answer = _object(content)
    status, body, headers = answer.get("statusCode"), answer.get("body"), answer.get("headers")
    if not isinstance(status, int) or not isinstance(body, str) or not isinstance(headers, dict):
        raise ModelFailed
    if status != 200:
        raise told(from_container(status, _object(body)), target)
    try:
        plain = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise ModelFailed from error
    return Prediction(plain, str(headers.get("content-type", JSON)), timings(headers.get(HEADER.lower())))


def _object(content: bytes | str) -> Mapping[str, Any]:
    """The JSON object in `content`; an empty one where there is none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
