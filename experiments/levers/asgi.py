"""An ASGI application for any server of that interface: `work` infers on threads, `read` only reads the body.

APPLICATION=work|read MODEL=mobilenet_v2 uvicorn experiments.levers.asgi:app
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from experiments.levers.networks import for_many, read, spec
from experiments.serving.models import Model
from model_server.cores import cores
from model_server.images import decode_image
from model_server.preprocess import needed_side, prepare

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

NAME = os.environ.get("MODEL", "mobilenet_v2")
_LABEL = Model(NAME).expected()["224x224"]


def _work() -> Callable[[bytes], bytes]:
    infer, taken = for_many(read(NAME)), spec(NAME).input

    def work(body: bytes) -> bytes:
        scores = infer(prepare(decode_image(body, needed_side(taken)), taken)[None])[0]
        best = [{"label": f"class_{at:04}", "score": float(scores[at])} for at in (-scores).argsort()[:5]]
        return json.dumps({"predictions": best}).encode()

    return work


_WORK = _work() if os.environ.get("APPLICATION") == "work" else None
_THREADS = ThreadPoolExecutor(cores())


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers a POST; no lifespan."""
    if scope["type"] != "http":
        return
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = _LABEL.encode()
    if _WORK is not None:
        answer = await asyncio.get_running_loop().run_in_executor(_THREADS, _WORK, bytes(body))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
