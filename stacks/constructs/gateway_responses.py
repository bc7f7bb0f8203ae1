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
    CredentialsExpired,
    GatewayRefused,
    InternalError,
    InvalidApiKey,
    InvalidSignature,
    InvalidToken,
    ModelTimeout,
    PayloadTooLarge,
    RequestFiltered,
    RouteNotFound,
    Throttled,
    UnsignedRequest,
    UnsupportedMediaType,
)
from contract.limits import BODIES
from contract.media import ACCEPTS
from stacks.constructs.cors import readable
from stacks.stage import Auth

_ACCEPTED = ", ".join(dict.fromkeys(media for accepts in ACCEPTS.values() for media in accepts))

_ERRORS: dict[str, ApiError] = {
    "INVALID_API_KEY": InvalidApiKey(),
    "UNAUTHORIZED": InvalidToken(),
    "ACCESS_DENIED": AccessDenied(),
    "MISSING_AUTHENTICATION_TOKEN": RouteNotFound(),  # what API Gateway says of a path or method that it does not have
    "INVALID_SIGNATURE": RouteNotFound(),  # and of one with an Authorization header, taken for a signature
    "WAF_FILTERED": RequestFiltered(),
    "RESOURCE_NOT_FOUND": RouteNotFound(),
    "REQUEST_TOO_LARGE": PayloadTooLarge(max_body_bytes=BODIES.through_function),
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedMediaType(accepts=_ACCEPTED),
    "THROTTLED": Throttled(),
    "QUOTA_EXCEEDED": Throttled(),
    "INTEGRATION_TIMEOUT": ModelTimeout(),
    "DEFAULT_4XX": GatewayRefused(),
    "DEFAULT_5XX": InternalError(),
}
_ERRORS_OF_SIGNED: dict[str, ApiError] = {
    "MISSING_AUTHENTICATION_TOKEN": UnsignedRequest(),  # it says the same of an unknown path
    "INVALID_SIGNATURE": InvalidSignature(),
    "EXPIRED_TOKEN": CredentialsExpired(),  # of AWS credentials; of somebody who signed in it is UNAUTHORIZED
}


def errors(auth: Auth) -> dict[str, ApiError]:
    """What API Gateway itself answers in each case, by its name for the case."""
    return _ERRORS | (_ERRORS_OF_SIGNED if auth == "iam" else {})


def template(error: ApiError) -> str:
    """The body, with API Gateway's variable where the request id belongs."""
    return json.dumps(error.envelope("$context.requestId"))


def gateway_responses(scope: Construct, api_id: str, auth: Auth, page_origin: str = "") -> None:
    """Adds one for each of `errors`, which a page of `page_origin` can read."""
    for response_type, error in errors(auth).items():
        properties: dict[str, Any] = {
            "RestApiId": api_id,
            "ResponseType": response_type,
            "StatusCode": str(error.status),
            "ResponseTemplates": {"application/json": template(error)},
        }
        wait = {"gatewayresponse.header.Retry-After": f"'{error.retry_after_s}'"} if error.retry_after_s else {}
        if parameters := wait | dict(readable(page_origin)):
            properties["ResponseParameters"] = parameters
        CfnResource(scope, response_type, type="AWS::ApiGateway::GatewayResponse", properties=properties)
