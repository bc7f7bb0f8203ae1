"""One POST to /invocations: admitted, read, answered, logged."""

import asyncio
import logging
import re
from dataclasses import dataclass, field
from time import perf_counter
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from contract.errors import ApiError, EmptyBody, InternalError, ModelTimeout, PayloadTooLarge
from contract.limits import BODIES
from contract.media import ACCEPTS, media_type
from contract.options import HEADER, Options, attributes
from model_server.answers import Answer
from model_server.deadline import Deadline
from model_server.logs import fields
from model_server.predictor import Request as Given
from model_server.predictor import Timings
from model_server.service import Service

REQUEST_ID = "X-Request-Id"
_ID_HEADERS = ("X-Amzn-RequestId", "X-Amzn-Request-Id", REQUEST_ID)
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=-]{0,127}")

access = logging.getLogger("access")


@dataclass(slots=True)
class Call:
    """What becomes known of a request while it is answered, for the log and the headers."""

    request_id: str
    media_type: str | None = None
    body_bytes: int = 0
    timings: Timings = field(default_factory=Timings)
    started: float = field(default_factory=perf_counter)

    def log(self, status: int, code: str) -> None:
        """The access line."""
        access.info(
            "invocation",
            extra=fields(
                request_id=self.request_id,
                status=status,
                code=code,
                media_type=self.media_type,
                bytes=self.body_bytes,
                **{f"{step}_ms": spent for step, spent in self.timings.rounded().items()},
                total_ms=round((perf_counter() - self.started) * 1000, 2),
            ),
        )


def request_id(headers: Headers) -> str:
    """The caller's id when it is safe to repeat, else a new one."""
    given = [attributes(headers.get(HEADER, "")).get("request_id", "")]  # the proxy's, through SageMaker
    given += [headers.get(name, "") for name in _ID_HEADERS]
    return next((value for value in given if _SAFE_ID.fullmatch(value)), None) or str(uuid4())


def refusal(error: ApiError, identity: str) -> Response:
    """The answer for `error`."""
    headers = {REQUEST_ID: identity}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return JSONResponse(error.envelope(identity), error.status, headers)


async def invoke(request: Request) -> Response:
    """Answers one request, whatever happens, and writes its access line."""
    call = Call(request_id(request.headers))
    try:
        answer = await _answer(request, call)
    except ApiError as error:
        response, code = refusal(error, call.request_id), error.code()
    except ClientDisconnect:
        response, code = Response(status_code=499), "CLIENT_DISCONNECTED"  # nobody is left to read it
    except Exception:
        access.exception("defect", extra=fields(request_id=call.request_id))
        response, code = refusal(InternalError(), call.request_id), InternalError.code()
    else:
        response, code = Response(answer.content, headers={"Content-Type": answer.content_type}), "OK"
        response.headers[REQUEST_ID] = call.request_id
    timings = ",".join(f"{step};dur={spent}" for step, spent in call.timings.rounded().items())
    response.headers["Server-Timing"] = response.headers[HEADER] = timings  # SageMaker passes on only the second
    call.log(response.status_code, code)
    return response


async def _answer(request: Request, call: Call) -> Answer:
    service: Service = request.app.state.service
    model = service.model()
    with service.workers.admitted():
        deadline = Deadline.after(service.settings.timeout_s)
        headers = request.headers
        accepts = model.spec.input.accepts or ACCEPTS[model.spec.model.task]
        encoding = ", ".join(headers.getlist("content-encoding")) or None  # one header for each, or one for all
        call.media_type = media_type(headers.get("content-type"), encoding, accepts)
        asked = Options.read(attributes(headers.get(HEADER, "")))
        body = await _body(request, BODIES.realtime, deadline)
        call.body_bytes = len(body)
        accept = headers.get("accept", "")
        given = Given(body, call.media_type, accept, asked, deadline, call.timings)
        return await service.workers.run(lambda: model.answer(given), deadline)


async def _body(request: Request, limit: int, deadline: Deadline) -> bytes:
    """The body, never holding more than `limit` bytes. Raises PayloadTooLarge, EmptyBody, ModelTimeout."""
    announced = request.headers.get("content-length", "0")
    if int(announced) > limit:
        raise PayloadTooLarge(max_body_bytes=limit)
    body = bytearray()
    try:
        async with asyncio.timeout(deadline.remaining_s()):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limit:
                    raise PayloadTooLarge(max_body_bytes=limit)
                body += chunk
    except TimeoutError as error:
        raise ModelTimeout from error
    if not body:
        raise EmptyBody
    return bytes(body)
