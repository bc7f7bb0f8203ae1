"""API Gateway on this machine: the template's routes, who may call, throttle, binary types and own answers.

It calls the real handler with the REST API's Lambda proxy event (version 1.0) and turns the function's
answer back into HTTP.
"""

import asyncio
import base64
import binascii
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contract.limits import BODIES
from local.assembly import Api
from local.body import read_body
from local.callers import Callers
from local.function import EventTooLarge, FunctionFailed, LocalFunction
from local.page import Page
from local.proxy_event import Matched, proxy_event
from local.refused import Refused
from local.throttle import TokenBucket

_STATUS = {
    "UNAUTHORIZED": 401,
    "ACCESS_DENIED": 403,
    "INVALID_SIGNATURE": 403,
    "INVALID_API_KEY": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "THROTTLED": 429,
    "REQUEST_TOO_LARGE": 413,
    "INTEGRATION_TIMEOUT": 504,
    "DEFAULT_5XX": 502,
}


class Gateway:
    """An ASGI application that serves `api`, and the page where it has no route; `functions` by their source."""

    def __init__(self, api: Api, functions: Mapping[Path, LocalFunction], callers: Callers, page: Page) -> None:
        self._api, self._functions, self._callers, self._page = api, functions, callers, page
        limited = api.rate is not None and api.burst is not None
        self._bucket = TokenBucket(api.rate or 0, api.burst or 0) if limited else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        request, request_id = Request(scope, receive), str(uuid.uuid4())
        if request.method == "GET" and (file := self._page.answer(request.url.path)) is not None:
            return await file(scope, receive, send)
        try:
            response = await self._answer(request, request_id)
        except Refused as refused:
            response = self._own_answer(refused.response_type, request_id)
        except ClientDisconnect:
            return None
        response.headers["x-amzn-RequestId"] = request_id
        return await response(scope, receive, send)

    async def _answer(self, request: Request, request_id: str) -> Response:
        matched = self._route(request)
        route = matched[0]
        body = await read_body(request, BODIES.gateway)
        if body is None:
            raise Refused("REQUEST_TOO_LARGE")
        caller = self._callers.admitted(route, request, body)
        if self._bucket and not self._bucket.take():
            raise Refused("THROTTLED")
        event = proxy_event(self._api, matched, request, body, request_id, caller=caller)
        try:
            answer = await asyncio.wait_for(self._functions[route.function.source].invoke(event), route.timeout_s)
            return _response(answer)
        except EventTooLarge as error:
            raise Refused("REQUEST_TOO_LARGE") from error
        except TimeoutError as error:
            raise Refused("INTEGRATION_TIMEOUT") from error
        except (FunctionFailed, KeyError, TypeError, ValueError, binascii.Error) as error:
            raise Refused("DEFAULT_5XX") from error

    def _route(self, request: Request) -> Matched:
        for route in self._api.routes:
            parameters = match(route.path, request.scope["raw_path"].decode("ascii", "replace"))
            if route.method == request.method and parameters is not None:
                return route, parameters
        raise Refused("MISSING_AUTHENTICATION_TOKEN")  # what API Gateway calls a path or method it does not have

    def _own_answer(self, response_type: str, request_id: str) -> Response:
        status = _STATUS[response_type]
        own = self._api.responses.get(response_type) or self._api.responses.get(f"DEFAULT_{status // 100}XX")
        if own is None:
            return Response(json.dumps({"message": response_type}), status, media_type="application/json")
        content = own.template.replace("$context.requestId", request_id)
        return Response(content, own.status or status, dict(own.headers), media_type="application/json")


def match(template: str, path: str) -> dict[str, str] | None:
    """The parameters of `path` when it has the form of `template`, such as /models/{model}; else None."""
    wanted, given = template.split("/"), path.partition("?")[0].split("/")
    if len(wanted) != len(given):
        return None
    parameters = {}
    for want, have in zip(wanted, given, strict=True):
        if want.startswith("{") and have:
            parameters[want.strip("{}")] = unquote(have)
        elif want != have:
            return None
    return parameters


def _response(answer: Mapping[str, Any]) -> Response:
    body = answer.get("body") or ""
    decode: Callable[[str], bytes] = base64.b64decode if answer.get("isBase64Encoded") else str.encode
    headers = {name: str(value) for name, value in (answer.get("headers") or {}).items()}
    return Response(decode(body), int(answer["statusCode"]), headers)
