"""Asynchronous predictions: started by name, remembered in S3, and told by what SageMaker has written there.

Nothing runs between two requests. A job is a record, jobs/<id>.json, which says where its result or its failure will
be; which of them is there says how it went.
"""

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from contract.errors import TABLE, ApiError, JobNotFound, ModelFailed, NotFound, PayloadTooLarge, UploadNotFound
from contract.limits import JOBS, PUBLIC
from contract.media import JSON, media_type
from contract.options import Options, header_value
from lambda_handlers.proxy.aws import told
from lambda_handlers.proxy.claims import Claims, Key
from lambda_handlers.proxy.exchange import strict_json
from lambda_handlers.proxy.invocation import Deferred
from lambda_handlers.proxy.registry import Registry, Target
from lambda_handlers.proxy.sagemaker import SageMaker
from lambda_handlers.proxy.storage import Storage

_ID = re.compile(r"[0-9a-f]{32}")  # 128 bits at random, so that an id is also the right to ask for it
_CODE = re.compile(rb'"code\\{0,3}"\s{0,3}:\s{0,3}\\{0,3}"([A-Z_]{1,64})\\{0,3}"')  # escaped, where it is in a string


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller asks for: which model, which upload, and how the result shall be."""

    model: str
    endpoint: str | None
    upload: str
    accept: str
    options: Options


@dataclass(frozen=True, slots=True)
class Job:
    """A job's record; times in epoch seconds, `output` and `failure` are keys in the bucket of results."""

    id: str
    model: str
    version: str
    endpoint: str | None
    accept: str
    request_id: str
    created: int
    expires: int
    output: str
    failure: str


class Jobs:
    """The jobs of every model in `registry`."""

    def __init__(self, registry: Registry, sagemaker: SageMaker, storage: Storage) -> None:
        self._registry, self._sagemaker, self._storage = registry, sagemaker, storage
        self._claims = Claims(storage)

    def start(self, order: Order, request_id: str, key: Key | None) -> tuple[Job, bool]:
        """The job and whether it is new: with a key that came before, the job of then. Raises ApiError."""
        target = self._registry.job_target(order.model, order.endpoint)
        if key is None:
            return self._begin(order, target, self._sent(order, target), new_id(), request_id), True
        found = self._claims.find(key)
        if found is not None and (before := self._recorded(found[0].job)):
            return before, False
        sent = self._sent(order, target)  # a request that is refused claims nothing
        mine = self._claims.take(key, found, new_id())
        try:
            return self._begin(order, target, sent, mine.job, request_id), True
        except ApiError:
            self._claims.give_up(key, mine)
            raise

    def find(self, id: str) -> Job:
        """The job of that id. Raises JobNotFound."""
        job = self._recorded(id) if _ID.fullmatch(id) else None
        if job is None:
            raise JobNotFound
        return job

    def describe(self, job: Job) -> Mapping[str, Any]:
        """The job as GET /jobs/{id} shows it, with its result or error once there is one."""
        about = summary(job)
        if output := self._storage.read(job.output):
            return {**about, "status": "succeeded", **self._result(job, output.content)}
        if failure := self._storage.read(job.failure):
            error = self._error(job, failure.content or b"")
            return {**about, "status": "failed", "error": {"code": error.code(), "message": str(error)}}
        return {**about, "status": "expired"} if time.time() > job.expires else about

    def _sent(self, order: Order, target: Target) -> str:
        """The content type of the upload that the order names. Raises ApiError when there is none that we take."""
        found = self._storage.uploaded(f"{order.model}/{order.upload}") if _ID.fullmatch(order.upload) else None
        if found is None:
            raise UploadNotFound
        if found.size > target.max_body_bytes:
            raise PayloadTooLarge(max_body_bytes=target.max_body_bytes)
        return media_type(found.content_type, None, target.accepts)

    def _begin(self, order: Order, target: Target, sent: str, id: str, request_id: str) -> Job:
        """Queued first and recorded then: a record is always of a job that runs."""
        location = self._storage.upload_uri(f"{order.model}/{order.upload}")
        attributes = header_value(order.options, request_id)
        output, failure = self._sagemaker.start(target, Deferred(location, id, sent, order.accept, attributes))
        created = int(time.time())
        job = Job(
            id=id,
            model=order.model,
            version=self._registry.model(order.model)["version"],
            endpoint=order.endpoint,
            accept=order.accept,
            request_id=request_id,
            created=created,
            expires=created + JOBS.queue_s + target.timeout_s + JOBS.grace_s,
            output=self._storage.result_key(output),
            failure=self._storage.result_key(failure),
        )
        self._storage.write(_record(id), json.dumps(asdict(job)).encode())
        return job

    def _recorded(self, id: str) -> Job | None:
        stored = self._storage.read(_record(id))
        return Job(**json.loads(stored.content)) if stored and stored.content else None

    def _result(self, job: Job, content: bytes | None) -> Mapping[str, Any]:
        """JSON as it is; what is not, or is too large for an answer, as an address."""
        if content is not None and job.accept == JSON:
            try:
                return {"result": strict_json(content)}
            except ValueError:  # a script's own: its container says what it likes
                pass
        return {"result_url": self._storage.link(job.output, job.accept), "result_url_expires_in_s": JOBS.link_s}

    def _error(self, job: Job, content: bytes) -> ApiError:
        """The error of ours that a failure names, however SageMaker wrapped it; nothing else of it is passed on."""
        found = _CODE.search(content)
        kind = TABLE.get(found[1].decode(), ModelFailed) if found else ModelFailed
        try:
            return told(kind, self._registry.job_target(job.model, job.endpoint))
        except NotFound:  # no longer deployed
            return kind(**PUBLIC)


def new_id() -> str:
    """Of an upload or a job."""
    return secrets.token_hex(16)


def summary(job: Job) -> Mapping[str, Any]:
    """What is known of a job that was just started."""
    times = {"created": _said(job.created), "expires": _said(job.expires)}
    return {"id": job.id, "status": "pending", "model": job.model, "version": job.version, **times}


def _record(id: str) -> str:
    return f"jobs/{id}.json"


def _said(epoch_s: int) -> str:
    """As in RFC 3339."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
