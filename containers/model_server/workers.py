"""The threads that decode and infer, and the bound on how many requests may be in the house at once.

/ping and /execution-parameters never come here, so they answer however busy the model is.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from contract.errors import ModelTimeout, Overloaded
from model_server.deadline import Deadline
from model_server.load import Load

T = TypeVar("T")


class Workers:
    """`threads` threads and at most `max_in_flight` requests. Its counts change on the event loop only."""

    def __init__(self, threads: int, max_in_flight: int, load: Load) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._max_in_flight = max_in_flight
        self._load = load
        self._in_flight = 0
        self._abandoned: set[Future[Any]] = set()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Holds a place for one request. Raises Overloaded when all are taken."""
        if self._in_flight + len(self._abandoned) >= self._max_in_flight:
            raise Overloaded
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    async def run(self, work: Callable[[], T], deadline: Deadline) -> T:
        """The result of `work`, done by a thread. Raises ModelTimeout when it comes too late.

        A thread cannot be stopped: work that has begun keeps its place until it is done, though nobody waits.
        """
        future = self._pool.submit(work)
        self._load.grow()
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise ModelTimeout from error
        finally:
            self._abandon(future)
            del future  # it holds the error, whose traceback holds this frame: a circle that would keep the body alive

    def _abandon(self, future: Future[T]) -> None:
        if future.cancel() or future.done():
            self._load.shrink()
            return
        loop = asyncio.get_running_loop()
        self._abandoned.add(future)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._forget, done))

    def _forget(self, done: Future[Any]) -> None:
        self._abandoned.discard(done)
        self._load.shrink()

    def close(self) -> bool:
        """Takes no more work; whether every thread is idle."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return all(future.done() for future in self._abandoned)
