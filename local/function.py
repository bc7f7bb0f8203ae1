"""Runs a Lambda function as Lambda does: isolated processes, each with one event at a time, kept warm between."""

import asyncio
import json
import logging
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from contract.limits import BODIES
from local.launch import Launch

log = logging.getLogger(__name__)

MAX_CONCURRENCY = 10
INIT_S = 10.0  # Lambda, the init phase
END_S = 5.0


class EventTooLarge(Exception):
    """The event is over Lambda's limit."""


class FunctionFailed(Exception):
    """The function raised, or its process died: `kind` is the name of the error, as Lambda tells it."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class LocalFunction:
    """A pool of execution environments for one function; `launch` starts one more when all are busy."""

    def __init__(
        self, launch: Launch, timeout_s: int, log: IO[bytes], *, max_concurrency: int = MAX_CONCURRENCY
    ) -> None:
        self._launch, self._timeout_s, self._log = launch, timeout_s, log
        self._idle: list[asyncio.subprocess.Process] = []
        self._all: set[asyncio.subprocess.Process] = set()
        self._slots = asyncio.Semaphore(max_concurrency)

    @property
    def pids(self) -> Sequence[int]:
        """Of the environments."""
        return [process.pid for process in self._all if process.returncode is None]

    async def invoke(self, event: Mapping[str, Any]) -> Any:
        """The function's answer to `event`. Raises EventTooLarge, FunctionFailed, TimeoutError."""
        return await self.send(json.dumps(event).encode())

    async def send(self, frame: bytes) -> Any:
        """The function's answer to the event whose JSON is `frame`. Raises as `invoke` does."""
        if len(frame) > BODIES.function_event:
            raise EventTooLarge
        async with self._slots:
            answer = json.loads(await self._answered(frame))
        if "error" in answer:
            raise FunctionFailed("the function raised; see the log", answer["error"])
        return answer["answer"]

    async def _answered(self, frame: bytes) -> bytes:
        process = await self._warm() or await self._start()
        try:
            content = await asyncio.wait_for(_exchange(process, frame), self._timeout_s)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise await self._died(process) from error
        except BaseException:
            await self._discard(process)
            raise
        self._idle.append(process)
        return content

    async def _warm(self) -> asyncio.subprocess.Process | None:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            await self._discard(process)
        return None

    async def _start(self) -> asyncio.subprocess.Process:
        """An environment whose handler is imported. What Lambda's init phase does not finish counts as the call's."""
        process = await asyncio.create_subprocess_exec(
            *self._launch.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            env=self._launch.environment,
            cwd=self._launch.folder,
            start_new_session=True,
        )
        self._all.add(process)
        try:
            await asyncio.wait_for(_read(process), INIT_S + self._timeout_s)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise await self._died(process) from error
        except BaseException:
            await self._discard(process)
            raise
        return process

    async def _died(self, process: asyncio.subprocess.Process) -> FunctionFailed:
        """How the process ended, in Lambda's words, which name no cause but the status."""
        with suppress(TimeoutError):  # killing what has ended would take its status from who waits for it
            await asyncio.wait_for(process.wait(), 1)
        if self._launch.killed_for_memory(process.pid):
            name = self._launch.environment["AWS_LAMBDA_FUNCTION_NAME"]
            log.error("%s: an environment was killed: it wanted more memory than it has in AWS", name)
        await self._discard(process)
        code = process.returncode or 0
        how = f"signal: {signal.Signals(-code).name.removeprefix('SIG').lower()}" if code < 0 else f"exit status {code}"
        return FunctionFailed(f"Runtime exited with error: {how}", "Runtime.ExitError")

    async def _discard(self, process: asyncio.subprocess.Process) -> None:
        self._all.discard(process)
        if process.returncode is None:
            process.kill()
        await process.wait()
        await self._launch.tidy(process.pid)

    async def stop(self) -> None:
        """Ends every process, those that wait by saying that no event comes; the next event starts one."""
        idle, self._idle = self._idle, []
        for process in idle:
            if process.stdin:
                process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(process.wait() for process in idle)), END_S)
        for process in list(self._all):
            await self._discard(process)


async def _exchange(process: asyncio.subprocess.Process, frame: bytes) -> bytes:
    if process.stdin is None:
        raise ConnectionError
    process.stdin.write(len(frame).to_bytes(4, "big") + frame)
    await process.stdin.drain()
    return await _read(process)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise ConnectionError
    return await process.stdout.readexactly(int.from_bytes(await process.stdout.readexactly(4), "big"))
