"""What API Gateway answers by itself, in the same envelope as everything else.

Each case that a caller can tell apart has its error of the one table; the two defaults answer for all others.
"""

import json
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from contract.errors import (
    AccessDenied,
    ApiError,
    GatewayRefused,
    InternalError,
    InvalidApiKey,
    ModelTimeout,
    PayloadTooLarge,
    RouteNotFound,
    Throttled,
    UnsupportedMediaType,
)
from contract.limits import BODIES
from contract.media import ACCEPTS

_ACCEPTED = ", ".join(dict.fromkeys(media for accepts in ACCEPTS.values() for media in accepts))

ERRORS: dict[str, ApiError] = {
    "INVALID_API_KEY": InvalidApiKey(),
    "ACCESS_DENIED": AccessDenied(),
    "MISSING_AUTHENTICATION_TOKEN": RouteNotFound(),  # what API Gateway says of a path or method that it does not have
    "RESOURCE_NOT_FOUND": RouteNotFound(),
    "REQUEST_TOO_LARGE": PayloadTooLarge(max_body_bytes=BODIES.through_function),
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedMediaType(accepts=_ACCEPTED),
    "THROTTLED": Throttled(),
    "QUOTA_EXCEEDED": Throttled(),
    "INTEGRATION_TIMEOUT": ModelTimeout(),
    "DEFAULT_4XX": GatewayRefused(),
    "DEFAULT_5XX": InternalError(),
}


def template(error: ApiError) -> str:
    """The body, with API Gateway's variable where the request id belongs."""
    return json.dumps(error.envelope("$context.requestId"))


def gateway_responses(scope: Construct, api_id: str) -> None:
    """Adds one for each of ERRORS."""
    for response_type, error in ERRORS.items():
        properties: dict[str, Any] = {
            "RestApiId": api_id,
            "ResponseType": response_type,
            "StatusCode": str(error.status),
            "ResponseTemplates": {"application/json": template(error)},
        }
        if error.retry_after_s:
            properties["ResponseParameters"] = {"gatewayresponse.header.Retry-After": f"'{error.retry_after_s}'"}
        CfnResource(scope, response_type, type="AWS::ApiGateway::GatewayResponse", properties=properties)
