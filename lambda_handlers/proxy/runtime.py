"""The one module that calls AWS: InvokeEndpoint, with explicit timeouts, one retry, and its errors translated.

Nothing of what AWS or the container said is passed on but a code that stands in our own table.
"""

import json
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from contract.errors import (
    TABLE,
    ApiError,
    InternalError,
    ModelFailed,
    ModelNotDeployed,
    ModelNotReady,
    ModelTimeout,
    Overloaded,
    PayloadTooLarge,
    Throttled,
)
from contract.limits import PUBLIC, TIMEOUTS
from lambda_handlers.proxy.registry import Target

log = logging.getLogger("proxy.runtime")  # below "proxy", whose level the settings give

RETRY_WAIT_S = 0.3
RETRY_NEEDS_S = TIMEOUTS.sdk_read_s + 2 * RETRY_WAIT_S + 0.2  # a whole second call must still fit

_BY_AWS_CODE: dict[str, type[ApiError]] = {
    "ThrottlingException": Throttled,
    "Throttling": Throttled,
    "TooManyRequestsException": Throttled,
    "ModelNotReadyException": ModelNotReady,
    "ServiceUnavailable": Overloaded,
    "ServiceUnavailableException": Overloaded,
    "ValidationError": ModelNotDeployed,  # the endpoint is absent, creating, failed or without capacity
    "ValidationException": ModelNotDeployed,
    "RequestEntityTooLarge": PayloadTooLarge,
    "RequestEntityTooLargeException": PayloadTooLarge,
}
_TIMINGS = re.compile(r"[a-z]+;dur=\d+(\.\d+)?(,[a-z]+;dur=\d+(\.\d+)?)*")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What goes to the container: the body as it came, its type, the type wanted back, our attributes."""

    body: bytes
    media_type: str
    accept: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The container's answer, and the timings it measured in the form of a Server-Timing header."""

    body: bytes
    content_type: str
    timings: str


class Runtime:
    """SageMaker's runtime API as one verb."""

    def __init__(self, client: Any = None) -> None:
        self.client = client or _client()

    def invoke(self, target: Target, asked: Invocation, remaining_s: Callable[[], float]) -> Prediction:
        """The prediction asked for. Raises ApiError; tries a second time at most, while `remaining_s()` allows it."""
        request = {
            "EndpointName": target.sagemaker_endpoint,
            "Body": asked.body,
            "ContentType": asked.media_type,
            "Accept": asked.accept,
            "CustomAttributes": asked.attributes,
        }
        try:
            return self._call(request, target)
        except (Throttled, ModelNotReady) as error:
            if remaining_s() < RETRY_NEEDS_S:
                raise
            log.info("retrying", extra={"reason": error.code()})
            time.sleep(RETRY_WAIT_S * (1 + random.random()))  # noqa: S311 - jitter
            return self._call(request, target)

    def _call(self, request: Mapping[str, Any], target: Target) -> Prediction:
        try:
            answer = self.client.invoke_endpoint(**request)
            body = answer["Body"].read()
        except ClientError as error:
            raise _translated(error, target) from error
        except (ReadTimeoutError, ConnectTimeoutError) as error:
            raise ModelTimeout from error
        except BotoCoreError as error:
            raise InternalError from error
        timings = answer.get("CustomAttributes", "")
        return Prediction(
            body, answer.get("ContentType", "application/json"), timings if _TIMINGS.fullmatch(timings) else ""
        )


def _client() -> Any:
    """Retries are ours to make, so the SDK makes none; without this its default differs between versions."""
    config = Config(
        connect_timeout=TIMEOUTS.sdk_connect_s,
        read_timeout=TIMEOUTS.sdk_read_s,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
    )
    return botocore.session.get_session().create_client("sagemaker-runtime", config=config)


def _translated(error: ClientError, target: Target) -> ApiError:
    code = error.response.get("Error", {}).get("Code", "")
    kind = _from_container(error.response) if code == "ModelError" else _BY_AWS_CODE.get(code)
    if kind is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        kind = PayloadTooLarge if status == 413 else InternalError
    return kind(accepts=", ".join(target.accepts), max_body_bytes=target.max_body_bytes, **PUBLIC)


def _from_container(response: Mapping[str, Any]) -> type[ApiError]:
    """The error that a container's own answer names; a container that SageMaker gave up on has status 0."""
    status = int(response.get("OriginalStatusCode") or 0)
    if status == 0:
        return ModelTimeout
    try:
        code = json.loads(response.get("OriginalMessage", ""))["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        code = None
    known = TABLE.get(code) if isinstance(code, str) else None
    if known is not None and known.status == status:
        return known
    return Overloaded if status in (429, 503) else ModelFailed
