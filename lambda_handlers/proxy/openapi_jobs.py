"""The routes of uploads and jobs, described; only where some model has an asynchronous endpoint."""

from collections.abc import Sequence

from contract.limits import JOBS
from contract.media import CSV, JSON
from lambda_handlers.proxy.openapi_operation import Description, operation, parameter

_TEXT: Description = {"type": "string"}
_SECONDS: Description = {"type": "integer", "minimum": 1}
_REQUEST = "#/components/schemas/Request/properties"
_UPLOAD: Description = {
    "type": "object",
    "required": ["upload_id", "url", "fields", "expires_in_s", "max_bytes"],
    "properties": {
        "upload_id": _TEXT,
        "url": {
            **_TEXT,
            "description": "Where to POST the form: multipart/form-data, the fields first, then the file.",
        },
        "fields": {"type": "object", "additionalProperties": _TEXT},
        "expires_in_s": _SECONDS,
        "max_bytes": {"type": "integer"},
    },
}
_ORDER: Description = {
    "type": "object",
    "required": ["upload_id"],
    "additionalProperties": False,
    "properties": {
        "upload_id": _TEXT,
        "endpoint": {**_TEXT, "description": "Of the model's asynchronous endpoints; the first when left out."},
        "top_k": {"$ref": f"{_REQUEST}/top_k"},
        "threshold": {"$ref": f"{_REQUEST}/threshold"},
        "accept": {"type": "string", "enum": [JSON, CSV], "default": JSON},
    },
}
_JOB: Description = {
    "type": "object",
    "required": ["id", "status", "model", "version", "created", "expires"],
    "properties": {
        "id": _TEXT,
        "status": {"type": "string", "enum": ["pending", "succeeded", "failed", "expired"]},
        "model": _TEXT,
        "version": _TEXT,
        "created": {"type": "string", "format": "date-time"},
        "expires": {"type": "string", "format": "date-time"},
        "result": {"$ref": "#/components/schemas/Prediction"},
        "result_url": {**_TEXT, "description": "Instead of a result that is CSV or too large for an answer."},
        "result_url_expires_in_s": _SECONDS,
        "error": {"type": "object", "properties": {"code": _TEXT, "message": _TEXT}},
    },
}
_KEY: Description = {
    **parameter("Idempotency-Key", "header", {"type": "string", "minLength": 1, "maxLength": JOBS.max_key_chars}),
    "description": "The same key and body name the same job (200), whatever became of the first answer.",
}


def job_paths(models: Sequence[str], accepts: Sequence[str]) -> Description:
    """The three paths, for the models that take jobs."""
    model = parameter("model", "path", {"type": "string", "enum": list(models)})
    kind: Description = {"type": "string", "enum": list(accepts)}
    body = {JSON: {"schema": {"type": "object", "properties": {"content_type": kind}}}}
    upload = operation(
        "upload",
        "A form with which to upload one file that is too large for predict.",
        {JSON: {"schema": _UPLOAD}},
        status=201,
        parameters=[model, parameter("content_type", "query", kind)],
        requestBody={"content": body},
    )
    start = operation(
        "startJob",
        "A prediction for an upload, later.",
        {JSON: {"schema": _JOB}},
        status=202,
        parameters=[model, _KEY],
        requestBody={"required": True, "content": {JSON: {"schema": _ORDER}}},
    )
    start["responses"]["200"] = {**start["responses"]["202"], "description": "The job that this key names already."}
    show = operation(
        "showJob",
        "What has become of a job.",
        {JSON: {"schema": _JOB}},
        parameters=[parameter("id", "path", {"type": "string", "pattern": "^[0-9a-f]{32}$"})],
    )
    return {
        "/models/{model}/uploads": {"post": upload},
        "/models/{model}/jobs": {"post": start},
        "/jobs/{id}": {"get": show},
    }
