"""Before anything is timed: each image once, so that what cannot be measured is told in a second and not in an hour."""

import asyncio
import time
from collections.abc import Sequence

from experiments.client.call import Call, Phased, ask, http_client
from experiments.client.caller import Caller
from experiments.client.sample import NO_ANSWER, Sample
from experiments.latency.errors import ImageRefused, LatencyError, NotAnswering, Throttled
from experiments.latency.progress import EVERY_S, Say

PATIENCE_S = {429: 10.0, 503: 300.0, 504: 300.0}
"""Status -> for how long it may pass by itself: a throttle, or a server that starts and is not there within a call."""

_IMAGE = (ImageRefused, "{image}: {model} does not take it ({said}); give another --image")
_CALLER = (NotAnswering, "{url}: refuses this caller ({said}); show what its stage asks for: --key, or --sign")
_ABSENT = (NotAnswering, "{what}: the API does not have it ({said}); deploy the stage from this checkout")
_BY_CODE = {
    "MODEL_NOT_FOUND": _ABSENT,
    "ENDPOINT_NOT_FOUND": _ABSENT,
    "MODEL_NOT_DEPLOYED": (
        NotAnswering,
        "{what}: is not in service ({said}); deploy it, or see in its log why it does not start",
    ),
    "NO_CODE": (NotAnswering, "{url}: answers {status}, but not as Fovea's API; give a stage's ApiUrl"),
}
_BY_STATUS = {
    NO_ANSWER: (NotAnswering, "{url}: nobody answers ({said}); give the address of a stage's API, its ApiUrl"),
    **dict.fromkeys((401, 403), _CALLER),
    **dict.fromkeys((400, 413, 415, 422), _IMAGE),
    429: (Throttled, "{what}: a single caller is throttled ({said}); wait, or raise the limit of the key or the stage"),
}
_OTHERWISE = (NotAnswering, "{what}: gives no prediction of {image} ({said}); its log says why")


async def first_answers(caller: Caller, calls: Sequence[Call], say: Say) -> list[Sample]:
    """One good answer to each of `calls`. Raises LatencyError where there is none to wait for."""
    async with http_client(1) as http:
        answers = []
        for call in calls:
            began, told = time.perf_counter(), time.perf_counter()
            while True:
                asked = time.perf_counter()
                sample = await ask(http, caller, call, Phased("warm", began, concurrency=1), asked)
                if sample.is_good:
                    break
                if sample.code == "MODEL_NOT_DEPLOYED" or asked - began > PATIENCE_S.get(sample.status, -1):
                    raise _fault(caller, call, sample)
                if asked - told > EVERY_S:
                    told = asked
                    say(f"waiting for {call.endpoint}: {sample.status} {sample.code}")
                await asyncio.sleep(0.5)
            answers.append(sample)
    return answers


def _fault(caller: Caller, call: Call, sample: Sample) -> LatencyError:
    kind, line = _BY_CODE.get(sample.code) or _BY_STATUS.get(sample.status) or _OTHERWISE
    said = f"{sample.status} {sample.code}" if sample.status != NO_ANSWER else sample.code
    what = f"{call.model} {call.endpoint}"
    about = {"url": caller.url, "what": what, "said": said, "status": sample.status}
    return kind(line.format(**about, model=call.model, image=call.image))
