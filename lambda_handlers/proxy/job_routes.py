"""The routes of uploads and jobs: the event read, the answer made."""

from collections.abc import Callable, Mapping
from typing import Any

from contract.errors import InvalidJob, InvalidUpload, MalformedJson
from contract.limits import JOBS
from contract.media import CSV, JSON, media_type
from contract.options import Options
from lambda_handlers.proxy.claims import Key
from lambda_handlers.proxy.exchange import Answer, Event, as_json, body_of, caller_of, headers_of, query_of, strict_json
from lambda_handlers.proxy.jobs import Jobs, Order, new_id, summary
from lambda_handlers.proxy.registry import Registry
from lambda_handlers.proxy.runtime import Runtime
from lambda_handlers.proxy.settings import Buckets
from lambda_handlers.proxy.storage import Storage

Route = Callable[[Event, Any], Answer]

_ORDER = frozenset({"upload_id", "endpoint", "top_k", "threshold", "accept"})


def job_routes(registry: Registry, runtime: Runtime, buckets: Buckets) -> Mapping[tuple[str, str], Route]:
    """Method and path -> what answers."""
    storage = Storage(buckets)
    routes = JobRoutes(registry, Jobs(registry, runtime.sagemaker, storage), storage)
    return {
        ("POST", "/models/{model}/uploads"): routes.upload,
        ("POST", "/models/{model}/jobs"): routes.start,
        ("GET", "/jobs/{id}"): routes.show,
    }


class JobRoutes:
    """What answers each route."""

    def __init__(self, registry: Registry, jobs: Jobs, storage: Storage) -> None:
        self._registry, self._jobs, self._storage = registry, jobs, storage

    def upload(self, event: Event, _context: Any) -> Answer:
        """POST /models/{model}/uploads."""
        model = event["pathParameters"]["model"]
        target = self._registry.job_target(model, None)
        asked = _object(event) if event.get("body") else query_of(event)
        content_type = asked.get("content_type")
        if not isinstance(content_type, str):
            raise InvalidUpload(accepts=", ".join(target.accepts))
        kind, upload = media_type(content_type, None, target.accepts), new_id()
        form = self._storage.form(f"{model}/{upload}", kind, target.max_body_bytes)
        about = {"url": form["url"], "fields": form["fields"]}
        limits = {"expires_in_s": JOBS.upload_s, "max_bytes": target.max_body_bytes}
        return as_json({"upload_id": upload, **about, **limits}, 201)

    def start(self, event: Event, _context: Any) -> Answer:
        """POST /models/{model}/jobs."""
        model = event["pathParameters"]["model"]
        self._registry.job_target(model, None)  # the model first, then what is said of it
        order = _order(model, _object(event))
        sent = headers_of(event).get("idempotency-key")
        body = body_of(event, JOBS.request_bytes)
        key = None if sent is None else Key.read(sent, caller_of(event), model, body)
        job, is_new = self._jobs.start(order, event["requestContext"]["requestId"], key)
        about = summary(job) if is_new else self._jobs.describe(job)
        place = f"../../jobs/{job.id}"  # relative, as a stage's name may stand before every path
        return as_json(about, 202 if is_new else 200, {"Location": place, **_wait(about)})

    def show(self, event: Event, _context: Any) -> Answer:
        """GET /jobs/{id}."""
        about = self._jobs.describe(self._jobs.find(event["pathParameters"]["id"]))
        return as_json(about, headers=_wait(about))


def _wait(about: Mapping[str, Any]) -> dict[str, str]:
    return {"Retry-After": str(JOBS.poll_s)} if about["status"] == "pending" else {}


def _order(model: str, asked: Mapping[str, Any]) -> Order:
    endpoint, upload, accept = asked.get("endpoint"), asked.get("upload_id"), asked.get("accept", JSON)
    fits = isinstance(upload, str) and isinstance(endpoint, str | None) and accept in (JSON, CSV)
    if not fits or not asked.keys() <= _ORDER:
        raise InvalidJob
    return Order(model, endpoint, str(upload), accept, Options.read(asked))


def _object(event: Event) -> Mapping[str, Any]:
    """The JSON object in the body. Raises ApiError."""
    headers = headers_of(event)
    body = body_of(event, JOBS.request_bytes)
    media_type(headers.get("content-type"), headers.get("content-encoding"), [JSON])
    try:
        value = strict_json(body)
    except ValueError as error:
        raise MalformedJson from error
    if not isinstance(value, dict):
        raise InvalidJob
    return value
