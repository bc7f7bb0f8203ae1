"""SageMaker's runtime API for boto3 and the aws command: InvokeEndpoint with its limits and its error codes.

ValidationError 400            no such endpoint or inference component, or it does not start, is at zero or asynchronous
413                            body over the kind's limit (serverless 4 MiB, real-time 6 MiB)
ThrottlingException 429        more requests at once than a serverless endpoint's MaxConcurrency
ModelError 424                 the container answered with anything but 2xx, died, or took over 60 s
"""

import json
import logging
import uuid
from collections.abc import Mapping

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from contract.limits import BODIES
from contract.options import HEADER
from local.body import read_body
from local.endpoint import ContainerDied, ContainerTimeout, EndpointFailed, LocalEndpoint, NoCopy

log = logging.getLogger(__name__)

_LIMITS = {"serverless": BODIES.serverless, "realtime": BODIES.realtime}
_NO_COPY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
_TIMED_OUT = "Your invocation timed out while waiting for a response from container primary."


class SageMakerRuntime:
    """InvokeEndpoint in front of `endpoints`, by name. Offers `routes`."""

    def __init__(self, endpoints: Mapping[str, LocalEndpoint]) -> None:
        self._endpoints = endpoints
        self.routes = [Route("/endpoints/{name}/invocations", self._invoke, methods=["POST"])]

    async def _invoke(self, request: Request) -> Response:
        endpoint = self._endpoints.get(request.path_params["name"])
        unfit = _unfit(endpoint, request)
        if endpoint is None or unfit:
            return error(400, "ValidationError", unfit)
        try:
            body = await read_body(request, _LIMITS[endpoint.endpoint.kind])
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return Response(status_code=413)
        limit = endpoint.endpoint.max_concurrency
        if limit is not None and endpoint.in_flight >= limit:
            return error(429, "ThrottlingException", "Rate exceeded")
        return await _answer(endpoint, body, request)


def _unfit(endpoint: LocalEndpoint | None, request: Request) -> str:
    """Why there is nothing to invoke; empty when there is."""
    if endpoint is None:
        return "Endpoint of this name not found."
    if endpoint.endpoint.kind not in _LIMITS:
        return "Endpoint of this name is asynchronous; use InvokeEndpointAsync."
    if request.headers.get("x-amzn-sagemaker-inference-component") != endpoint.endpoint.component:
        return "Inference Component Name is missing, or not of this endpoint."
    return ""


async def _answer(endpoint: LocalEndpoint, body: bytes, request: Request) -> Response:
    passed = {name: request.headers[name] for name in ("content-type", "accept", HEADER) if name in request.headers}
    try:
        answer = await endpoint.invoke(body, passed)
    except NoCopy:
        return error(400, "ValidationError", _NO_COPY)
    except EndpointFailed as failed:
        log.error("%s", failed)  # noqa: TRY400 - one line for the person at the terminal
        return error(400, "ValidationError", "Endpoint is not in service.")
    except ContainerTimeout:
        return _model_error(endpoint, 0, _TIMED_OUT)
    except ContainerDied:
        return _model_error(endpoint, 500, "The container closed the connection.")
    if not 200 <= answer.status_code < 300:
        return _model_error(endpoint, answer.status_code, answer.text)
    return Response(answer.content, headers=_headers(answer))


def _headers(answer: httpx.Response) -> dict[str, str]:
    headers = {
        "Content-Type": answer.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": "AllTraffic",
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    if HEADER in answer.headers:
        headers[HEADER] = answer.headers[HEADER]
    return headers


def _model_error(endpoint: LocalEndpoint, status: int, message: str) -> Response:
    who = "client" if 400 <= status < 500 else "server"
    return error(
        424,
        "ModelError",
        f'Received {who} error ({status}) from primary with message "{message[:200]}".',
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:local:000000000000:log-group:/aws/sagemaker/Endpoints/{endpoint.endpoint.name}",
    )


def error(status: int, code: str, message: str, **more: object) -> Response:
    """What SageMaker answers when it refuses."""
    return Response(
        json.dumps({"Message": message, **more}),
        status_code=status,
        media_type="application/json",
        headers={"x-amzn-ErrorType": code, "x-amzn-RequestId": str(uuid.uuid4())},
    )
