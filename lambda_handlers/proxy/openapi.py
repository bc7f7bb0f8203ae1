"""The API described for machines (OpenAPI 3.1), from the registry and the error table."""

from contract.errors import TABLE
from contract.limits import REQUESTS, VIDEOS
from contract.media import CSV, JSON
from lambda_handlers.proxy.openapi_jobs import job_paths
from lambda_handlers.proxy.openapi_operation import Description, operation, parameter
from lambda_handlers.proxy.registry import ASYNC, Registry

_ENVELOPE: Description = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string", "enum": list(TABLE)},
                "message": {"type": "string"},
                "request_id": {"type": "string"},
            },
        }
    },
}
_SCORE: Description = {"type": "number", "minimum": 0, "maximum": 1}
_PREDICTIONS: Description = {
    "type": "array",
    "description": "Best first.",
    "items": {
        "type": "object",
        "required": ["label", "score"],
        "properties": {"label": {"type": "string"}, "score": _SCORE},
    },
}
_BOX: Description = {"type": "array", "items": _SCORE, "minItems": 4, "maxItems": 4, "description": "x0, y0, x1, y1"}
_INSTANCE: Description = {
    "predictions": _PREDICTIONS,
    "prediction": {
        "type": "array",
        "description": "Of a detector, best first: class id, score, x0, y0, x1, y1, as fractions of width and height.",
        "items": {"type": "array", "items": {"type": "number"}, "minItems": 6, "maxItems": 6},
    },
    "detections": {
        "type": "array",
        "description": "The same with the name of the class.",
        "items": {"type": "object", "properties": {"label": {"type": "string"}, "score": _SCORE, "box": _BOX}},
    },
    "gloss": {"type": "string", "description": "Of a sign language model."},
    "score": _SCORE,
}
_ANSWER: Description = {
    "type": "object",
    "required": ["model", "version"],
    "properties": {
        "model": {"type": "string"},
        "version": {"type": "string"},
        **{name: schema for name, schema in _INSTANCE.items() if name not in ("gloss", "score")},
        "instances": {"type": "array", "items": {"type": "object", "properties": _INSTANCE}},
        "notice": {"type": "string"},
    },
}
_BASE64: Description = {"type": "string", "contentEncoding": "base64"}
_POINTS: Description = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
_JSON_REQUEST: Description = {
    "type": "object",
    "properties": {
        "image": _BASE64,
        "instances": {"type": "array", "items": _BASE64, "minItems": 1, "maxItems": REQUESTS.max_instances},
        "keypoints_list": {
            "type": "array",
            "description": "Of a sign language model: frames × 54 × 2 or frames × 2 × 54.",
            "items": _POINTS,
            "minItems": 1,
            "maxItems": VIDEOS.max_frames,
        },
        "top_k": {"type": "integer", "minimum": 1, "maximum": REQUESTS.max_top_k},
        "threshold": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
_SCHEMES: dict[str, Description] = {
    "api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "iam": {  # as API Gateway itself exports it: OpenAPI has no word for a signature
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "Signature Version 4 by AWS credentials, for the service execute-api.",
    },
    "cognito": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The identity token of somebody who signed in.",
    },
}


def describe(registry: Registry) -> Description:
    """The OpenAPI document of what is deployed."""
    names = [model["name"] for model in registry.models]
    accepts = sorted({name for model in registry.models for name in model["accepts"]})
    endpoints = [(one["name"], one["kind"]) for model in registry.models for one in model["endpoints"]]
    at_once = sorted({name for name, kind in endpoints if kind != ASYNC})
    with_jobs = [model["name"] for model in registry.models if ASYNC in (one["kind"] for one in model["endpoints"])]
    model = parameter("model", "path", {"type": "string", "enum": names})
    options = [
        parameter("endpoint", "query", {"type": "string", "enum": at_once}),
        parameter("top_k", "query", _JSON_REQUEST["properties"]["top_k"]),
        parameter("threshold", "query", _JSON_REQUEST["properties"]["threshold"]),
    ]
    body = {name: {"schema": {"$ref": "#/components/schemas/Request"}} if name == JSON else {} for name in accepts}
    answer = {JSON: {"schema": {"$ref": "#/components/schemas/Prediction"}}, CSV: {"schema": {"type": "string"}}}
    any_json = {JSON: {"schema": {"type": "object"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fovea", "version": "1", "description": "Vision models behind HTTPS."},
        "servers": [{"url": "."}],
        "security": [{name: [] for name in registry.auth}],
        "paths": {
            "/models": {"get": operation("listModels", "What is deployed.", any_json)},
            "/models/{model}": {"get": operation("describeModel", "One model.", any_json, parameters=[model])},
            "/models/{model}/predict": {
                "post": operation(
                    "predict",
                    "A prediction for one image or clip, or for many images in one call.",
                    answer,
                    parameters=[model, *options],
                    requestBody={"required": True, "content": body},
                )
            },
            **(job_paths(with_jobs, accepts) if with_jobs else {}),
            "/openapi.json": {"get": operation("openapi", "This document.", any_json)},
        },
        "components": {
            "securitySchemes": {name: _SCHEMES[name] for name in registry.auth},
            "schemas": {"Error": _ENVELOPE, "Prediction": _ANSWER, "Request": _JSON_REQUEST},
        },
    }
