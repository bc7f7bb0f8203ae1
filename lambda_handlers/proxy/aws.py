"""What calling any of AWS's services takes: explicit timeouts, no retry of the SDK's, and errors translated.

Nothing of what AWS or the container said is passed on but a code that stands in our own table.
"""

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

_BY_CODE: dict[str, type[ApiError]] = {
    "ThrottlingException": Throttled,
    "Throttling": Throttled,
    "TooManyRequestsException": Throttled,
    "ModelNotReadyException": ModelNotReady,
    "ResourceNotReadyException": ModelNotReady,  # a function that nobody called for weeks is being made ready again
    "ResourceConflictException": ModelNotReady,  # a function is being made or changed
    "CodeArtifactUserPendingException": ModelNotReady,  # its image is being prepared
    "CodeArtifactUserFailedException": ModelNotDeployed,
    "CodeArtifactUserDeletedException": ModelNotDeployed,
    "ResourceNotFoundException": ModelNotDeployed,
    "ServiceUnavailable": Overloaded,
    "ServiceUnavailableException": Overloaded,
    "ValidationError": ModelNotDeployed,  # the endpoint is absent, creating, failed or without capacity
    "ValidationException": ModelNotDeployed,
    "RequestEntityTooLarge": PayloadTooLarge,
    "RequestEntityTooLargeException": PayloadTooLarge,
    "RequestTooLargeException": PayloadTooLarge,
}


def client(service: str, *, read_s: int = TIMEOUTS.sdk_read_s, attempts: int = 1, **more: Any) -> Any:
    """Retries are said here, and are ours to make where a model is asked: the SDK's defaults differ by version."""
    config = Config(
        connect_timeout=TIMEOUTS.sdk_connect_s,
        read_timeout=read_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        **more,
    )
    return botocore.session.get_session().create_client(service, config=config)


def translated(error: ClientError | BotoCoreError, target: Target) -> ApiError:
    """What AWS or the SDK says went wrong, in our words."""
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return ModelTimeout()
    if not isinstance(error, ClientError):
        return InternalError()
    kind = _BY_CODE.get(code_of(error))
    if kind is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        kind = PayloadTooLarge if status == 413 else InternalError
    return told(kind, target)


def code_of(error: ClientError) -> str:
    """AWS's name of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def told(kind: type[ApiError], target: Target) -> ApiError:
    """The error with what its message may name."""
    return kind(accepts=", ".join(target.accepts), max_body_bytes=target.max_body_bytes, **PUBLIC)


def from_container(status: int, envelope: Any) -> type[ApiError]:
    """The error that a container's own answer names, when it is one of ours and has that status."""
    try:
        code = envelope["error"]["code"]
    except (KeyError, TypeError):
        code = None
    known = TABLE.get(code) if isinstance(code, str) else None
    if known is not None and known.status == status:
        return known
    return Overloaded if status in (429, 503) else ModelFailed
