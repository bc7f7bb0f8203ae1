"""Many calls: clients that wait for each answer before they ask again, and a schedule that waits for nobody."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import httpx

from experiments.client.call import Call, Phased, ask, http_client, until
from experiments.client.caller import Caller
from experiments.client.sample import Sample

MOST_IN_FLIGHT = 2000  # of a schedule: more, and this client's own sockets are what is measured

Seen = Callable[[Sample], None]
"""Told of each sample as it comes, for progress."""


async def closed_loop(
    caller: Caller, calls: Iterator[Call], clients: int, requests: int, seen: Seen = lambda _: None
) -> list[Sample]:
    """`requests` in all from `clients` that each ask the next of `calls` once they have their answer; phase warm.

    Each asks twice before, which no sample tells of: what starts or connects for the first then is not in the times.
    """
    samples: list[Sample] = []
    left = iter(range(requests))
    async with http_client(clients) as http:
        await _warm_up(http, caller, calls, clients)
        phased = Phased("warm", time.perf_counter(), concurrency=clients)

        async def client() -> None:
            for _ in left:
                sample = await ask(http, caller, next(calls), phased, time.perf_counter())
                samples.append(sample)
                seen(sample)

        await asyncio.gather(*(client() for _ in range(clients)))
    return samples


async def open_loop(
    caller: Caller,
    calls: Iterator[Call],
    moments: Sequence[float],
    rate: float,
    seen: Seen = lambda _: None,
    *,
    warm_up: int = 0,
) -> list[Sample]:
    """One of `calls` at each of `moments`, in seconds, whatever became of those before; phase load.

    The time of each counts from its moment, however late it could be sent. In the order of the answers. Before, as
    many clients as `warm_up` says ask twice, as in `closed_loop`: let it be how many requests will be in flight.
    """
    samples: list[Sample] = []
    places = asyncio.Semaphore(MOST_IN_FLIGHT)
    async with http_client() as http, asyncio.TaskGroup() as tasks:
        await _warm_up(http, caller, calls, warm_up)
        began = time.perf_counter()
        phased = Phased("load", began, rate=rate)

        async def one(call: Call, due: float) -> None:
            async with places:
                sample = await ask(http, caller, call, phased, due)
            samples.append(sample)
            seen(sample)

        for moment in moments:
            await until(began + moment)
            tasks.create_task(one(next(calls), began + moment))
    return samples


async def _warm_up(http: httpx.AsyncClient, caller: Caller, calls: Iterator[Call], clients: int) -> None:
    phased = Phased("warm", time.perf_counter(), concurrency=clients)
    for _ in range(2):
        asked = [next(calls) for _ in range(clients)]
        await asyncio.gather(*(ask(http, caller, call, phased, time.perf_counter()) for call in asked))
