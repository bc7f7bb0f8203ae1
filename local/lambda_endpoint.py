"""One Lambda function that is an endpoint, on this machine: environments that each have a real cold start."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from images.assets import Image
from local.assembly import LambdaEndpoint
from local.endpoint import open_log
from local.function import MAX_CONCURRENCY, LocalFunction
from local.launch import Launch
from models.archive import SPEC_NAME


class TooManyRequests(Exception):
    """As many events are being answered as the function may answer at once."""


class LocalLambdaEndpoint:
    """Starts an environment for an event that finds none free; all stop after `idle_s` seconds without an event."""

    def __init__(self, endpoint: LambdaEndpoint, launch: Launch, state: Path, idle_s: float) -> None:
        self.endpoint = endpoint
        self._idle_s = idle_s
        self._limit = endpoint.reserved_concurrency or MAX_CONCURRENCY
        self._in_flight = 0
        self._last_used = time.monotonic()
        self._log = open_log(state, endpoint.name)
        self._function = LocalFunction(launch, endpoint.timeout_s, self._log, max_concurrency=self._limit)

    async def invoke(self, payload: bytes) -> bytes:
        """The function's answer. Raises TooManyRequests, EventTooLarge, FunctionFailed, TimeoutError."""
        if self._in_flight >= self._limit:
            raise TooManyRequests
        self._in_flight += 1
        try:
            return json.dumps(await self._function.send(payload)).encode()
        finally:
            self._in_flight -= 1
            self._last_used = time.monotonic()

    @property
    def pids(self) -> Sequence[int]:
        """Of its environments."""
        return self._function.pids

    async def stop(self) -> None:
        """Ends every environment; the next event starts one."""
        await self._function.stop()

    async def stop_when_idle(self) -> None:
        """Stops the environments once they have been idle for long enough; runs as long as the local run does."""
        while True:
            await asyncio.sleep(min(self._idle_s / 4, 10))
            if not self._in_flight and time.monotonic() - self._last_used > self._idle_s:
                await self.stop()

    async def close(self) -> None:
        """Ends every environment."""
        await self._function.stop()
        self._log.close()


def laid_out(image: Image, state: Path) -> Path:
    """/opt/ml/model as a function's image has it, below `state`: what its Dockerfile copies from the build context."""
    model_dir = state / "models" / image.context.name.partition(".")[2]
    if image.model and not model_dir.is_dir():
        partial = model_dir.with_name(f"{model_dir.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(image.model / image.artifact, partial)
        shutil.copy(image.model / SPEC_NAME, partial)
        partial.replace(model_dir)
    return model_dir
