"""API Gateway's event in, its answer out: parse, call, map."""

import logging
import time
from collections.abc import Callable
from typing import Any

from contract.errors import ApiError, InternalError, RouteNotFound
from contract.media import CSV, JSON, media_type, wants_csv
from contract.options import Options, header_value
from contract.page import readable_from
from lambda_handlers.proxy.exchange import Answer, Event, as_json, body_of, headers_of, query_of
from lambda_handlers.proxy.invocation import Invocation
from lambda_handlers.proxy.job_routes import job_routes
from lambda_handlers.proxy.metrics import Metrics
from lambda_handlers.proxy.openapi import describe
from lambda_handlers.proxy.registry import Registry
from lambda_handlers.proxy.runtime import Runtime
from lambda_handlers.proxy.settings import Settings

SETTINGS = Settings.read()
REGISTRY = Registry.read(SETTINGS.registry_file)
RUNTIME = Runtime()
PAGE_MAY_READ = readable_from(SETTINGS.page_origin) if SETTINGS.page_origin else {}
METRICS = Metrics(SETTINGS.metrics_namespace, REGISTRY) if SETTINGS.metrics_namespace else None

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
    answer["headers"] |= PAGE_MAY_READ
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
    if METRICS:
        print(METRICS.line(event, answer), flush=True)
    return answer


def list_models(_event: Event, _context: Any) -> Answer:
    """GET /models."""
    return as_json({"models": REGISTRY.models})


def describe_model(event: Event, _context: Any) -> Answer:
    """GET /models/{model}."""
    return as_json(REGISTRY.model(event["pathParameters"]["model"]))


def predict(event: Event, context: Any) -> Answer:
    """POST /models/{model}/predict."""
    query, headers = query_of(event), headers_of(event)
    target = REGISTRY.target(event["pathParameters"]["model"], query.get("endpoint"))
    body = body_of(event, target.max_body_bytes)
    sent = media_type(headers.get("content-type"), headers.get("content-encoding"), target.accepts)
    options = Options.read(query)
    started = time.perf_counter()
    accept = CSV if wants_csv(headers.get("accept")) else JSON
    asked = Invocation(body, sent, accept, header_value(options, event["requestContext"]["requestId"]))
    prediction = RUNTIME.invoke(target, asked, lambda: context.get_remaining_time_in_millis() / 1000)
    service_ms = (time.perf_counter() - started) * 1000
    timings = ",".join(filter(None, [f"{target.service};dur={service_ms:.1f}", prediction.timings]))
    return {
        "statusCode": 200,
        "headers": {"Content-Type": prediction.content_type, "Server-Timing": timings},
        "body": prediction.body.decode(),
        "isBase64Encoded": False,
    }


def openapi(_event: Event, _context: Any) -> Answer:
    """GET /openapi.json."""
    return as_json(describe(REGISTRY))


ROUTES: dict[tuple[str, str], Callable[[Event, Any], Answer]] = {
    ("GET", "/models"): list_models,
    ("GET", "/models/{model}"): describe_model,
    ("POST", "/models/{model}/predict"): predict,
    ("GET", "/openapi.json"): openapi,
    **(job_routes(REGISTRY, RUNTIME, SETTINGS.buckets) if SETTINGS.buckets else {}),
}


def _route(event: Event) -> Callable[[Event, Any], Answer]:
    route = ROUTES.get((event.get("httpMethod", ""), event.get("resource", "")))
    if route is None:
        raise RouteNotFound
    return route


def _refusal(error: ApiError, request_id: str) -> Answer:
    wait = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return as_json(error.envelope(request_id), error.status, wait)
