"""InvokeEndpointAsync for boto3 and the aws command: 202 with where the answer will be, or what is wrong.

ValidationError 400   no such endpoint, one that is not asynchronous, or a parameter out of its bounds
"""

import re
import uuid
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contract.options import HEADER
from local.async_queue import Job, LocalQueue, Location
from local.body import read_body
from local.sagemaker_runtime import error

MOST_INLINE_BYTES = 128_000
_PREFIX = "x-amzn-sagemaker-"
_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]+)/(.+)")
_ID = re.compile(r"\S[ -~]{0,63}")
_PASSED = {f"{_PREFIX}content-type": "content-type", f"{_PREFIX}accept": "accept", HEADER.lower(): HEADER}


class Invalid(Exception):
    """A parameter that SageMaker would not take; the message says which and why."""


class AsyncRuntime:
    """InvokeEndpointAsync in front of `queues`, by the endpoints' names. Offers `routes`."""

    def __init__(self, queues: Mapping[str, LocalQueue]) -> None:
        self._queues = queues
        self.routes = [Route("/endpoints/{name}/async-invocations", self._invoke, methods=["POST"])]

    async def _invoke(self, request: Request) -> Response:
        queue = self._queues.get(request.path_params["name"])
        if queue is None:
            return error(400, "ValidationError", "Asynchronous endpoint of this name not found.")
        try:
            body = await read_body(request, MOST_INLINE_BYTES)
            job = _job(queue, request.headers, body)
        except ClientDisconnect:
            return Response(status_code=400)
        except Invalid as invalid:
            return error(400, "ValidationError", str(invalid))
        queue.add(job)
        headers = {
            "X-Amzn-SageMaker-OutputLocation": job.output.uri,
            "X-Amzn-SageMaker-FailureLocation": job.failure.uri,
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        return JSONResponse({"InferenceId": job.id}, 202, headers)


def _job(queue: LocalQueue, headers: Mapping[str, str], body: bytes | None) -> Job:
    """Raises Invalid."""
    for unknown in ("filename", "s3outputpathextension"):
        if _PREFIX + unknown in headers:
            raise Invalid(f"the local run does not know {unknown}")
    named = headers.get(f"{_PREFIX}inference-id") or str(uuid.uuid4())
    if not _ID.fullmatch(named):
        raise Invalid("1 validation error detected: Value at 'inferenceId' failed to satisfy constraint")
    jobs = queue.endpoint.endpoint.jobs
    if jobs is None:
        raise Invalid("the endpoint has no asynchronous configuration")
    written = uuid.uuid4()
    return Job(
        id=named,
        source=_source(headers.get(f"{_PREFIX}inputlocation", ""), body),
        headers={name: headers[sent] for sent, name in _PASSED.items() if sent in headers},
        output=Location.of(f"{jobs.output_path}{written}.out"),
        failure=Location.of(f"{jobs.failure_path}{written}-error.out"),
        ttl_s=_whole(headers, "requestTTLSeconds", 60, 21_600, 21_600),
        timeout_s=_whole(headers, "invocationTimeoutSeconds", 1, 3600, 900),
    )


def _source(location: str, body: bytes | None) -> Location | bytes:
    if body is None:
        raise Invalid(f"Body: at most {MOST_INLINE_BYTES} bytes; upload it, and give InputLocation")
    if bool(location) == bool(body):
        raise Invalid("Body and InputLocation: provide exactly one of them")
    if body:
        return body
    found = _LOCATION.fullmatch(location) if len(location) <= 1024 else None
    if found is None:
        raise Invalid("1 validation error detected: Value at 'inputLocation' failed to satisfy constraint")
    return Location(found[1], found[2])


def _whole(headers: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    given = headers.get(_PREFIX + name.lower())
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and least <= int(given) <= most):
        raise Invalid(
            f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
            f"Member must have value between {least} and {most}"
        )
    return int(given)
