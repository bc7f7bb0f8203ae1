"""API Gateway's REST proxy event and its answer, read and written."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from contract.errors import EmptyBody, PayloadTooLarge
from contract.media import JSON

Event = Mapping[str, Any]
Answer = dict[str, Any]


def headers_of(event: Event) -> Mapping[str, str]:
    """The request's headers by their names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def query_of(event: Event) -> Mapping[str, str]:
    """The query string's parameters."""
    return event.get("queryStringParameters") or {}


def body_of(event: Event, max_body_bytes: int) -> bytes:
    """The request's body as it was sent. Raises EmptyBody, PayloadTooLarge."""
    text = event.get("body") or ""
    if not text:
        raise EmptyBody
    if not event.get("isBase64Encoded"):
        body = text.encode()
    elif len(text) // 4 * 3 > max_body_bytes + 2:  # padding stands for at most two bytes
        raise PayloadTooLarge(max_body_bytes=max_body_bytes)
    else:
        body = base64.b64decode(text)
    if len(body) > max_body_bytes:
        raise PayloadTooLarge(max_body_bytes=max_body_bytes)
    return body


def strict_json(content: bytes) -> Any:
    """The value that `content` is as JSON, which has no NaN. Raises ValueError."""
    try:
        return json.loads(content, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError from error


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def caller_of(event: Event) -> str:
    """Who the gateway says is asking, however the stage knows callers: a token's subject, a role or user, a key."""
    context = event["requestContext"]
    identity = context.get("identity") or {}
    claims = (context.get("authorizer") or {}).get("claims") or {}
    principal = (identity.get("user") or "").partition(":")[0]  # without the name of an assumed role's session
    known = {"subject": claims.get("sub"), "principal": principal, "key": identity.get("apiKeyId")}
    return next((f"{kind}:{value}" for kind, value in known.items() if value), "anybody")


def as_json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of JSON."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": JSON, **(headers or {})},
        "body": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        "isBase64Encoded": False,
    }
