"""The queue of an asynchronous endpoint: jobs from a bucket to a bucket, a bounded number at once.

A job that has waited too long is dropped, as SageMaker drops it: nothing is written, and who waits has to know.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from local.endpoint import ContainerDied, ContainerTimeout, EndpointFailed, LocalEndpoint
from local.s3 import LocalS3, S3Failed

AT_ONCE = 4
"""Where the endpoint does not say, SageMaker chooses, and does not say what."""
_TEXT = "text/plain; charset=utf-8"

log = logging.getLogger(__name__)


class Location(NamedTuple):
    """An object's place in S3."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> "Location":
        """Of `s3://bucket/key`."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked: an input, or where it is; what the container is told of it; where the answer goes; how long."""

    id: str
    source: Location | bytes
    headers: Mapping[str, str]
    output: Location
    failure: Location
    ttl_s: float
    timeout_s: float


class LocalQueue:
    """The jobs of one endpoint, in the order in which they came."""

    def __init__(self, endpoint: LocalEndpoint, s3: LocalS3, clock: Callable[[], float] = time.monotonic) -> None:
        self.endpoint = endpoint
        self._s3, self._clock = s3, clock
        jobs = endpoint.endpoint.jobs
        self._places = asyncio.Semaphore(jobs.at_once if jobs and jobs.at_once else AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, job: Job) -> None:
        """Takes it; what becomes of it stands in S3 later."""
        task = asyncio.create_task(self._wait_and_work(job, self._clock() + job.ttl_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Forgets what is not done."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_and_work(self, job: Job, expires_at_s: float) -> None:
        name = self.endpoint.endpoint.name
        async with self._places:
            if self._clock() > expires_at_s:
                log.warning("%s: a job waited more than %g s and is dropped", name, job.ttl_s)
                return
            try:
                place, content, content_type = await self._worked_off(job)
                if not await self._s3.write(place.bucket, place.key, content, content_type):
                    log.error("%s: there is no bucket %s to write to", name, place.bucket)
            except S3Failed as error:
                log.error("%s: a job is lost: %s", name, error)  # noqa: TRY400 - one line for the person

    async def _worked_off(self, job: Job) -> tuple[Location, bytes, str]:
        """What is to be written of it, and where. Raises S3Failed."""
        content = await self._s3.read(*job.source) if isinstance(job.source, Location) else job.source
        if content is None:
            return job.failure, b"Failed to download the input: there is no such object.", _TEXT
        try:
            answer = await self.endpoint.invoke(content, job.headers, job.timeout_s)
        except EndpointFailed as error:
            log.error("%s", error)  # noqa: TRY400 - one line for the person at the terminal
            return job.failure, b"Endpoint is not in service.", _TEXT
        except ContainerTimeout:
            return job.failure, b"The invocation timed out while waiting for the container's response.", _TEXT
        except ContainerDied:
            return job.failure, b"The container closed the connection.", _TEXT
        place = job.output if 200 <= answer.status_code < 300 else job.failure
        return place, answer.content, answer.headers.get("content-type", "application/octet-stream")
