"""What stands before moto's S3: it lets nobody in whom S3 would not, and refuses uploads as S3 does.

403 AccessDenied            nothing is signed; a presigned address or a policy has expired; a policy does not allow it
400 EntityTooLarge          a form's file is over its policy's content-length-range
503 ServiceUnavailable      moto's process does not start, or is gone
"""

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contract.limits import BODIES
from local.body import read_body
from local.post_policy import S3Refusal, check_policy, read_form
from local.s3 import LocalS3, S3Failed

MOST_BYTES = 2 * BODIES.upload
_CONDITIONS = {"if-match", "if-none-match"}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "server", "date"}


class S3Front:
    """An ASGI application before `s3`; `keys` are the secrets of those who may sign, by their ids."""

    def __init__(self, s3: LocalS3, keys: Mapping[str, str]) -> None:
        self._s3, self._keys = s3, keys
        self._one_by_one = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        request = Request(scope, receive)
        bucket = self._s3.buckets.get(request.url.path.strip("/").partition("/")[0])
        method = request.headers.get("access-control-request-method", request.method)
        admitted = bucket.admits(request.headers.get("origin", ""), method) if bucket else {}
        try:
            response = _preflight(request, admitted) if request.method == "OPTIONS" else await self._answer(request)
        except S3Refusal as refusal:
            response = _refused(refusal)
        except S3Failed:
            message = "Service is unable to handle request."
            response = _refused(S3Refusal(503, "ServiceUnavailable", message))
        except ClientDisconnect:
            return
        if "origin" in request.headers:
            response.headers.update(admitted)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        is_form = request.method == "POST" and not request.url.query and "authorization" not in request.headers
        if not is_form:
            _check_signed(request, datetime.now(UTC))
        body = await read_body(request, MOST_BYTES)
        if body is None:
            message = "Your proposed upload exceeds the maximum allowed size"
            raise S3Refusal(400, "EntityTooLarge", message, MaxSizeAllowed=MOST_BYTES)
        if is_form:
            form = read_form(request.headers.get("content-type", ""), body)
            check_policy(form, request.url.path.strip("/"), self._keys, datetime.now(UTC))
        path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        path = f"{path}?{request.url.query}" if request.url.query else path
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        # moto looks and writes in two steps; what is on a condition, S3 does in one.
        alone = self._one_by_one if _CONDITIONS & headers.keys() and request.method == "PUT" else nullcontext()
        async with alone:
            answer = await self._s3.ask(request.method, path, headers, body)
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return Response(answer.content, answer.status_code, kept)


def _preflight(request: Request, admitted: Mapping[str, str]) -> Response:
    """What a browser asks before a page's request. Raises S3Refusal."""
    if not admitted:
        raise S3Refusal(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
    wanted = request.headers.get("access-control-request-headers", "")
    return Response(headers={"Access-Control-Allow-Headers": wanted} if wanted else {})


def _check_signed(request: Request, now: datetime) -> None:
    """Somebody signed it; whether rightly, moto does not ask either. Raises S3Refusal."""
    asked = request.query_params
    if "authorization" in request.headers:
        return
    if "X-Amz-Signature" not in asked:
        raise S3Refusal(403, "AccessDenied", "Access Denied")
    try:
        made = datetime.strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lasts = timedelta(seconds=int(asked["X-Amz-Expires"]))
    except (KeyError, ValueError, OverflowError) as error:
        message = "Query-string authentication version 4 requires X-Amz-Date and X-Amz-Expires."
        raise S3Refusal(400, "AuthorizationQueryParametersError", message) from error
    if now > made + lasts:
        raise S3Refusal(403, "AccessDenied", "Request has expired", Expires=f"{made + lasts:%Y-%m-%dT%H:%M:%SZ}")


def _refused(refusal: S3Refusal) -> Response:
    said = {"Code": refusal.code, "Message": str(refusal), **refusal.elements, "RequestId": str(uuid.uuid4())}
    inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in said.items())
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'
    return Response(content, refusal.status, media_type="application/xml")
