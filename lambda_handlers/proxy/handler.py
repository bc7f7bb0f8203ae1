"""API Gateway's event in, its answer out: parse, call, map."""

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from contract.errors import ApiError, EmptyBody, InternalError, PayloadTooLarge, RouteNotFound
from contract.media import CSV, JSON, media_type, wants_csv
from contract.options import Options, header_value
from lambda_handlers.proxy.openapi import describe
from lambda_handlers.proxy.registry import Registry
from lambda_handlers.proxy.runtime import Invocation, Runtime
from lambda_handlers.proxy.settings import Settings

Event = Mapping[str, Any]
Answer = dict[str, Any]

SETTINGS = Settings.read()
REGISTRY = Registry.read(SETTINGS.registry_file)
RUNTIME = Runtime()

log = logging.getLogger("proxy")
log.setLevel(SETTINGS.log_level)


def handler(event: Event, context: Any) -> Answer:
    """Answers one API Gateway REST proxy event; every error leaves in the one envelope."""
    started = time.perf_counter()
    request_id = event["requestContext"]["requestId"]
    try:
        answer = _route(event)(event, context)
        code = "OK"
    except ApiError as error:
        answer, code = _refusal(error, request_id), error.code()
        if error.status >= 500:
            log.exception("failed", extra={"request_id": request_id})
    except Exception:
        log.exception("defect", extra={"request_id": request_id})
        answer, code = _refusal(InternalError(), request_id), InternalError.code()
    duration_ms = (time.perf_counter() - started) * 1000
    answer["headers"] |= {"X-Request-Id": request_id, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    timings = [f"function;dur={duration_ms:.1f}", answer["headers"].get("Server-Timing", "")]
    answer["headers"]["Server-Timing"] = ",".join(filter(None, timings))
    log.info(
        "answered",
        extra={
            "request_id": request_id,
            "route": event.get("resource"),
            "model": (event.get("pathParameters") or {}).get("model") if code != "MODEL_NOT_FOUND" else None,
            "status": answer["statusCode"],
            "code": code,
            "duration_ms": round(duration_ms, 1),
        },
    )
    return answer


def list_models(_event: Event, _context: Any) -> Answer:
    """GET /models."""
    return _json({"models": REGISTRY.models})


def describe_model(event: Event, _context: Any) -> Answer:
    """GET /models/{model}."""
    return _json(REGISTRY.model(event["pathParameters"]["model"]))


def predict(event: Event, context: Any) -> Answer:
    """POST /models/{model}/predict."""
    query = event.get("queryStringParameters") or {}
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    target = REGISTRY.target(event["pathParameters"]["model"], query.get("endpoint"))
    body = _body(event, target.max_body_bytes)
    sent = media_type(headers.get("content-type"), headers.get("content-encoding"), target.accepts)
    options = Options.read(query)
    started = time.perf_counter()
    accept = CSV if wants_csv(headers.get("accept")) else JSON
    asked = Invocation(body, sent, accept, header_value(options, event["requestContext"]["requestId"]))
    prediction = RUNTIME.invoke(target, asked, lambda: context.get_remaining_time_in_millis() / 1000)
    sagemaker_ms = (time.perf_counter() - started) * 1000
    timings = ",".join(filter(None, [f"sagemaker;dur={sagemaker_ms:.1f}", prediction.timings]))
    return {
        "statusCode": 200,
        "headers": {"Content-Type": prediction.content_type, "Server-Timing": timings},
        "body": prediction.body.decode(),
        "isBase64Encoded": False,
    }


def openapi(_event: Event, _context: Any) -> Answer:
    """GET /openapi.json."""
    return _json(describe(REGISTRY))


ROUTES: dict[tuple[str, str], Callable[[Event, Any], Answer]] = {
    ("GET", "/models"): list_models,
    ("GET", "/models/{model}"): describe_model,
    ("POST", "/models/{model}/predict"): predict,
    ("GET", "/openapi.json"): openapi,
}


def _route(event: Event) -> Callable[[Event, Any], Answer]:
    route = ROUTES.get((event.get("httpMethod", ""), event.get("resource", "")))
    if route is None:
        raise RouteNotFound
    return route


def _body(event: Event, max_body_bytes: int) -> bytes:
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


def _json(content: object) -> Answer:
    return {
        "statusCode": 200,
        "headers": {"Content-Type": JSON},
        "body": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def _refusal(error: ApiError, request_id: str) -> Answer:
    answer = _json(error.envelope(request_id))
    answer["statusCode"] = error.status
    if error.retry_after_s is not None:
        answer["headers"]["Retry-After"] = str(error.retry_after_s)
    return answer
