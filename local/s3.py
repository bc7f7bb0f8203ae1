"""S3 on this machine: moto's server in a process of its own, with the buckets that the templates ask for.

It starts beside everything else; who asks it meanwhile waits. What it holds is gone when it ends.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

import httpx

from local.endpoint import open_log
from local.launch import HOST
from local.s3_cors import Bucket
from models.registry import ROOT

START_TIMEOUT_S = 60.0
END_S = 5.0
_ANSWER_S = 60.0

log = logging.getLogger(__name__)


class S3Failed(Exception):
    """It does not start, or is gone; says which log says why."""


class LocalS3:
    """moto's server and `buckets` in it; its log goes below `state`."""

    def __init__(self, buckets: Sequence[Bucket], state: Path) -> None:
        self.buckets = {bucket.name: bucket for bucket in buckets}
        self._log_file = state / "logs" / "s3.log"
        self._log: IO[bytes] = open_log(state, "s3")
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[httpx.AsyncClient] | None = None

    def start(self) -> None:
        """Begins to; whoever asks first hears whether it has."""
        self._starting = asyncio.create_task(self._start())
        self._starting.add_done_callback(_tell)

    @property
    def pids(self) -> Sequence[int]:
        """moto's server, while there is one."""
        return [self._process.pid] if self._process and self._process.returncode is None else []

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> httpx.Response:
        """moto's answer; `path` is as it stands in the request. Raises S3Failed."""
        if self._starting is None:
            raise S3Failed("S3 is not started")
        client = await asyncio.shield(self._starting)
        try:
            return await client.request(method, path, headers=headers, content=body)
        except httpx.HTTPError as error:
            raise S3Failed(f"S3 does not answer; {self._log_file} says why") from error

    async def read(self, bucket: str, key: str) -> bytes | None:
        """The object's bytes, or None where there is none. Raises S3Failed."""
        answer = await self.ask("GET", _path(bucket, key), _INTERNAL)
        return answer.content if answer.status_code == 200 else None

    async def write(self, bucket: str, key: str, content: bytes, content_type: str) -> bool:
        """Whether there is a bucket to keep it. Raises S3Failed."""
        headers = {**_INTERNAL, "Content-Type": content_type}
        return (await self.ask("PUT", _path(bucket, key), headers, content)).status_code == 200

    async def close(self) -> None:
        """Ends the process, and lets go of the connections to it."""
        if self._starting is not None:
            self._starting.cancel()
            with suppress(asyncio.CancelledError, S3Failed):
                await (await self._starting).aclose()
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()  # it keeps nothing
            await asyncio.wait_for(process.wait(), END_S)
        self._log.close()

    async def _start(self) -> httpx.AsyncClient:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.s3_worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "MOTO_DISABLE_GLOBAL_CORS": "true"},  # S3 lets no page in that the bucket does not
            cwd=ROOT,
            start_new_session=True,
        )
        said = b""
        if process.stdout is not None:
            with suppress(TimeoutError):
                said = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        if not said.strip().isdigit():
            raise S3Failed(f"S3 does not start, so there are no uploads and no jobs; {self._log_file} says why")
        client = httpx.AsyncClient(base_url=f"http://{HOST}:{int(said)}", timeout=_ANSWER_S)
        try:
            for bucket in self.buckets:
                (await client.put(f"/{bucket}", headers=_INTERNAL)).raise_for_status()
        except httpx.HTTPError as error:
            raise S3Failed(
                f"S3 makes no buckets, so there are no uploads and no jobs; {self._log_file} says why"
            ) from error
        return client


_INTERNAL = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/s3/aws4_request"}
"""moto does not check a signature, but shows a stranger nothing."""


def _path(bucket: str, key: str) -> str:
    return f"/{bucket}/{quote(key)}"


def _tell(starting: "asyncio.Task[httpx.AsyncClient]") -> None:
    if not starting.cancelled() and (error := starting.exception()) is not None:
        log.error("%s", error)
