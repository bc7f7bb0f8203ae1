"""Lambda's Invoke on this machine, as boto3 calls it, with the real limits and error codes.

ResourceNotFoundException 404   no such function
InvalidRequestContentException 400   a payload that is not JSON
RequestTooLargeException 413    a payload over 6 MiB
TooManyRequestsException 429    more events at once than the function's concurrency
200, X-Amz-Function-Error       the function raised, died, did not start, or took too long
"""

import json
import logging
import uuid
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from contract.limits import BODIES
from local.body import read_body
from local.function import EventTooLarge, FunctionFailed
from local.lambda_endpoint import LocalLambdaEndpoint, TooManyRequests

log = logging.getLogger(__name__)

_TOO_LARGE = f"Request must be smaller than {BODIES.function_event} bytes for the InvokeFunction operation"


class LambdaRuntime:
    """Invoke in front of `endpoints`, by name. Offers `routes`."""

    def __init__(self, endpoints: Mapping[str, LocalLambdaEndpoint]) -> None:
        self._endpoints = endpoints
        self.routes = [Route("/2015-03-31/functions/{name}/invocations", self._invoke, methods=["POST"])]

    async def _invoke(self, request: Request) -> Response:
        name = request.path_params["name"].rpartition(":")[2]  # of an ARN, too
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        if request.headers.get("x-amz-invocation-type", "RequestResponse") != "RequestResponse":
            return _error(400, "InvalidParameterValueException", "The local run invokes by RequestResponse alone.")
        try:
            payload = await read_body(request, BODIES.function_event)
        except ClientDisconnect:
            return Response(status_code=400)
        if payload is None:
            return _error(413, "RequestTooLargeException", _TOO_LARGE)
        try:
            json.loads(payload or b"{}")
        except (ValueError, RecursionError):
            return _error(400, "InvalidRequestContentException", "Could not parse request body into json")
        return await _answer(endpoint, payload or b"{}")


async def _answer(endpoint: LocalLambdaEndpoint, payload: bytes) -> Response:
    try:
        return _returned(await endpoint.invoke(payload))
    except TooManyRequests:
        return _error(429, "TooManyRequestsException", "Rate Exceeded.")
    except EventTooLarge:
        return _error(413, "RequestTooLargeException", _TOO_LARGE)
    except TimeoutError:
        return _failed(f"Task timed out after {endpoint.endpoint.timeout_s:.2f} seconds", "Sandbox.Timedout")
    except FunctionFailed as error:
        log.error("%s: %s; its log says why", endpoint.endpoint.name, error)  # noqa: TRY400 - one line for the person
        return _failed(str(error), error.kind)


def _failed(message: str, kind: str) -> Response:
    content = {"errorMessage": f"RequestId: {uuid.uuid4()} Error: {message}", "errorType": kind}
    return _returned(json.dumps(content).encode(), {"X-Amz-Function-Error": "Unhandled"})


def _returned(content: bytes, more: Mapping[str, str] | None = None) -> Response:
    headers = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": str(uuid.uuid4()), **(more or {})}
    return Response(content, media_type="application/json", headers=headers)


def _error(status: int, code: str, message: str) -> Response:
    return Response(
        json.dumps({"Type": "User", "Message": message}),
        status_code=status,
        media_type="application/json",
        headers={"x-amzn-ErrorType": code, "x-amzn-RequestId": str(uuid.uuid4())},
    )
