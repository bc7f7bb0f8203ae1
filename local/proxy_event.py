"""API Gateway's REST proxy event, version 1.0, made from an HTTP request.

The form is in the API Gateway developer guide, "Input format of a Lambda function for proxy integration".
"""

import base64
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from local.assembly import Api, Route
from local.template import ACCOUNT

Matched = tuple[Route, Mapping[str, str]]
"""A route and its path parameters."""


def proxy_event(
    api: Api, matched: Matched, request: Request, body: bytes, request_id: str, *, caller: Mapping[str, Any]
) -> dict[str, Any]:
    """The event of one request; `body` goes as base64 when the API calls its type binary; `caller` is as admitted."""
    route, parameters = matched
    binary = is_binary(api, request.headers.get("content-type", ""))
    headers = _grouped(request.headers.items())
    query = _grouped(request.query_params.multi_items())
    host = request.headers.get("host", "127.0.0.1")
    return {
        "resource": route.path,
        "path": request.url.path,
        "httpMethod": route.method,
        "headers": {name: values[-1] for name, values in headers.items()} or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "httpMethod": route.method,
            **caller,
            "path": f"/{api.stage}{request.url.path}",
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTimeEpoch": int(time.time() * 1000),
            "resourcePath": route.path,
            "stage": api.stage,
        },
        "body": (base64.b64encode(body).decode() if binary else body.decode("utf-8", "replace")) if body else None,
        "isBase64Encoded": bool(body) and binary,
    }


def is_binary(api: Api, content_type: str) -> bool:
    """Whether the API's binary media types cover `content_type`."""
    name = content_type.partition(";")[0].strip().lower()
    return any(kind in ("*/*", name) for kind in api.binary_media_types)


def _grouped(pairs: Any) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped
