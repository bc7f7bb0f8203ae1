"""Runs a Lambda function as Lambda does: isolated processes, each with one event at a time, kept warm between."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from contract.limits import BODIES
from local.assembly import Function

_WORKER = Path(__file__).with_name("function_worker.py")
MAX_CONCURRENCY = 10


class EventTooLarge(Exception):
    """The event is over Lambda's limit."""


class FunctionFailed(Exception):
    """The function raised, or its process died."""


class LocalFunction:
    """A pool of execution environments for one function; a new one starts when all are busy."""

    def __init__(self, function: Function, environment: Mapping[str, str], log: IO[bytes]) -> None:
        self._function, self._log = function, log
        self._environment = {
            **environment,
            **function.environment,
            "AWS_LAMBDA_FUNCTION_NAME": "fovea-local-proxy",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        }
        self._idle: list[asyncio.subprocess.Process] = []
        self._all: set[asyncio.subprocess.Process] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENCY)

    async def invoke(self, event: Mapping[str, Any]) -> Any:
        """The function's answer. Raises EventTooLarge, FunctionFailed, TimeoutError."""
        frame = json.dumps(event).encode()
        if len(frame) > BODIES.function_event:
            raise EventTooLarge
        async with self._slots:
            process = self._warm() or await self._start()
            try:
                content = await asyncio.wait_for(_exchange(process, frame), self._function.timeout_s)
            except BaseException as error:
                await self._discard(process)
                if isinstance(error, (asyncio.IncompleteReadError, ConnectionError)):
                    raise FunctionFailed("the function's process died; see the log") from error
                raise
            self._idle.append(process)
        answer = json.loads(content)
        if "error" in answer:
            raise FunctionFailed(answer["error"])
        return answer["answer"]

    def _warm(self) -> asyncio.subprocess.Process | None:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            self._all.discard(process)
        return None

    async def _start(self) -> asyncio.subprocess.Process:
        function = self._function
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(_WORKER),
            str(function.source),
            function.handler,
            str(function.timeout_s),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            env={"PATH": os.environ.get("PATH", ""), **self._environment},
            cwd=function.source,
            start_new_session=True,
        )
        self._all.add(process)
        return process

    async def _discard(self, process: asyncio.subprocess.Process) -> None:
        self._all.discard(process)
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def close(self) -> None:
        """Ends every process."""
        for process in list(self._all):
            await self._discard(process)


async def _exchange(process: asyncio.subprocess.Process, frame: bytes) -> bytes:
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise FunctionFailed("the function's process has no pipes")
    stdin.write(len(frame).to_bytes(4, "big") + frame)
    await stdin.drain()
    return await stdout.readexactly(int.from_bytes(await stdout.readexactly(4), "big"))
