"""One event of a Lambda function -> its answer, with the checks, the envelope and the log line that a container has."""

import base64
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from contract.errors import ApiError, InternalError, MethodNotAllowed, ModelTimeout, Overloaded, RouteNotFound, relayed
from contract.media import ACCEPTS, JSON, media_type
from contract.options import Options
from model_server import report
from model_server.deadline import Deadline
from model_server.function_event import INVOCATIONS, Asked, read_event
from model_server.jobs import CRASHED, leaves_scraps, result_of
from model_server.logs import fields
from model_server.memory import give_all_back
from model_server.messages import OK, Result
from model_server.model_thread import ModelThread
from model_server.predictor import Predictor, Request

ANSWER_TAKES_S = 0.25  # so long before Lambda ends the process, an answer of our own has to be on its way
STUCK_AFTER_S = 5.0  # past the deadline: time in which an inference that was given up may still end
_METHODS = {"/": ("GET", "POST"), "/ping": ("GET",), INVOCATIONS: ("POST",)}
_ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

log = logging.getLogger(__name__)

Answer = dict[str, Any]
"""`statusCode`, `headers`, `body`, `isBase64Encoded`, as Lambda makes HTTP of it."""


class Function:
    """Answers events with one loaded model, one at a time."""

    def __init__(self, predictor: Predictor, timeout_s: float) -> None:
        model = predictor.spec.model
        self._predictor, self._timeout_s = predictor, timeout_s
        self._accepts = tuple(predictor.spec.input.accepts or ACCEPTS[model.task])
        self._about = json.dumps({"model": model.name, "version": model.version}).encode()
        self._thread = ModelThread()

    def answer(self, event: object, remaining_s: float) -> Answer:
        """The answer to one event, `remaining_s` before Lambda ends the process; any failure is in the one envelope."""
        deadline = Deadline.after(min(self._timeout_s, remaining_s - ANSWER_TAKES_S))
        asked = read_event(event)
        methods = _METHODS.get(asked.path)
        if methods is None:
            return _refusal(asked.request_id, RouteNotFound())
        if asked.method not in methods:
            return _refusal(asked.request_id, MethodNotAllowed(), {"allow": ", ".join(methods)})
        if asked.method == "GET":
            return _answer(asked.request_id, 200, self._about)
        return self._invoked(asked, deadline)

    def _invoked(self, asked: Asked, deadline: Deadline) -> Answer:
        started, seen = perf_counter(), _Seen()
        failure = self._failure(asked, deadline, seen)
        report.write_line(
            asked.request_id,
            status=200 if failure is None else failure.status,
            code=OK if failure is None else failure.code(),
            media_type=seen.media_type,
            size=seen.size,
            spent_ms=seen.spent_ms,
            started=started,
        )
        more = report.timings(seen.spent_ms)
        if leaves_scraps(OK if failure is None else failure.code(), seen.media_type, seen.size):
            give_all_back()
        if failure is None:
            return _answer(asked.request_id, 200, seen.content, seen.content_type, more)
        return _refusal(asked.request_id, failure, more)

    def _failure(self, asked: Asked, deadline: Deadline, seen: "_Seen") -> ApiError | None:
        """Has the request answered, noting in `seen` how far it came; what went wrong, if anything."""
        headers = asked.headers
        try:
            seen.media_type = media_type(headers.get("content-type"), headers.get("content-encoding"), self._accepts)
            options = Options.read(asked.options)
            body = asked.body()
            seen.size = len(body)
            make = partial(Request, body, seen.media_type, headers.get("accept", ""), options, deadline)
            result = self._result(partial(result_of, self._predictor, asked.request_id, make), deadline)
            seen.spent_ms = result.decode_ms, result.inference_ms, result.encode_ms
            seen.content, seen.content_type = result.content, result.content_type
            return None if result.code == OK else relayed(result.code, result.content.decode())
        except ApiError as error:
            return error
        except MemoryError:
            return Overloaded()
        except Exception:
            log.exception("defect", extra=fields(request_id=asked.request_id))
            return InternalError()

    def _result(self, job: partial[Result], deadline: Deadline) -> Result:
        """What comes of `job`. Raises ModelTimeout when that takes too long."""
        if not self._thread.is_free(STUCK_AFTER_S):
            log.error("an inference is stuck; ending the process for Lambda to start another")
            os._exit(CRASHED)
        result = self._thread.result(job, deadline.remaining_s())
        if result is None:
            raise ModelTimeout
        return result


@dataclass(slots=True)
class _Seen:
    """What is known of a request and its answer so far."""

    media_type: str | None = None
    size: int = 0
    spent_ms: report.Spent = (0.0, 0.0, 0.0)
    content: bytes = b""
    content_type: str = JSON


def _refusal(request_id: str, error: ApiError, more: Mapping[str, str] | None = None) -> Answer:
    wait = {} if error.retry_after_s is None else {"retry-after": str(error.retry_after_s)}
    content = json.dumps(error.envelope(request_id)).encode()
    return _answer(request_id, error.status, content, JSON, {**wait, **(more or {})})


def _answer(
    request_id: str, status: int, content: bytes, content_type: str = JSON, more: Mapping[str, str] | None = None
) -> Answer:
    headers = {"content-type": content_type, report.REQUEST_ID: request_id, **_ALWAYS, **(more or {})}
    try:
        body, is_base64 = content.decode(), False
    except UnicodeDecodeError:  # a script's own output, such as NPY
        body, is_base64 = base64.b64encode(content).decode(), True
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": is_base64}
