"""One prediction by HTTPS, timed from outside to inside: the client's own part, and what `Server-Timing` tells.

client    building, signing and sending the request, reading the answer
gateway   from the last byte sent to the first of the answer, less the function: network and API Gateway
proxy     the function, less the service that it waits for
service   SageMaker or Lambda with the container's HTTP and queue, less what the container was busy with
decode, inference, encode   the container
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from experiments.client.caller import Caller
from experiments.client.sample import NO_ANSWER, Phase, Sample
from models.samples import sample_type

TIMEOUT_S = 35.0  # the gateway gives up before
KEPT_S = 4.0  # an idle connection; servers such as uvicorn end theirs after 5, perhaps as a request leaves
_SERVICES = ("sagemaker", "lambda")
_TOLD = re.compile(r"([a-z]+);dur=(\d+(?:\.\d+)?)(?![^,\s])")


@dataclass(frozen=True, slots=True)
class Call:
    """A picture, or whatever the model takes, for one endpoint of one model."""

    model: str
    endpoint: str
    image: str
    body: bytes
    media_type: str

    @classmethod
    def of_file(cls, model: str, endpoint: str, file: Path) -> "Call":
        """The content of `file`, sent as what it is. Raises OSError."""
        return cls(model, endpoint, file.name, file.read_bytes(), sample_type(file))

    @property
    def path(self) -> str:
        """Below the API's address."""
        return f"/models/{self.model}/predict?endpoint={self.endpoint}"


@dataclass(frozen=True, slots=True)
class Phased:
    """What phase a call belongs to (see Sample), and when that began, by `perf_counter`."""

    phase: Phase
    began: float
    concurrency: int = 0
    rate: float = 0.0


class Moments:
    """When a request had left and when its answer began, as httpx's transport tells."""

    def __init__(self) -> None:
        self.sent = self.answered = 0.0

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        """httpx's `trace` extension."""
        if event.endswith("send_request_body.complete"):
            self.sent = time.perf_counter()
        elif event.endswith("receive_response_headers.complete"):
            self.answered = time.perf_counter()


def http_client(connections: int | None = None) -> httpx.AsyncClient:
    """For any number of calls at once; connections are kept between them, as a caller's would be."""
    return httpx.AsyncClient(
        timeout=TIMEOUT_S,
        limits=httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_S
        ),
        trust_env=False,
    )


async def ask(http: httpx.AsyncClient, caller: Caller, call: Call, phased: Phased, due: float) -> Sample:
    """What came of `call`, which was `due` then, by `perf_counter`. An error is a Sample too."""
    moments, sent = Moments(), time.perf_counter()
    url = caller.url + call.path
    try:
        headers = caller.headers("POST", url, call.body, call.media_type)
        answer = await http.post(url, content=call.body, headers=headers, extensions={"trace": moments.trace})
        status, code = answer.status_code, code_of(answer)
        server_timing = answer.headers.get("server-timing", "") if status == 200 else ""
    except httpx.TimeoutException:
        status, code, server_timing = NO_ANSWER, "TIMEOUT", ""
    except httpx.RequestError as error:
        status, code, server_timing = NO_ANSWER, type(error).__name__, ""
    ended = time.perf_counter()
    return Sample(
        phase=phased.phase,
        concurrency=phased.concurrency,
        rate=phased.rate,
        due_s=due - phased.began,
        late_ms=max(0.0, (sent - due) * 1000),
        total_ms=(ended - due) * 1000,
        status=status,
        code=code,
        model=call.model,
        endpoint=call.endpoint,
        image=call.image,
        bytes=len(call.body),
        **hops(server_timing, moments, sent, ended),
    )


def code_of(answer: httpx.Response) -> str:
    """OK, the code of the API's error, or that it has none."""
    if answer.status_code == 200:
        return "OK"
    try:
        return str(answer.json()["error"]["code"])
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
        return "NO_CODE"


def hops(server_timing: str, moments: Moments, sent: float, ended: float) -> dict[str, float]:
    """Milliseconds by the name of Sample's columns; none where `server_timing` does not tell all."""
    told = {name: float(spent) for name, spent in _TOLD.findall(server_timing)}
    service = next((told[name] for name in _SERVICES if name in told), None)
    if service is None or not {"function", "decode", "inference", "encode"} <= told.keys():
        return {}
    # A busy client notes late that it has sent; the function may be at work by then, and all its time was waited for.
    waited = max((moments.answered - moments.sent) * 1000, told["function"])
    container = {f"{step}_ms": told[step] for step in ("decode", "inference", "encode")}
    return {
        "client_ms": (ended - sent) * 1000 - waited,
        "gateway_ms": waited - told["function"],
        "proxy_ms": told["function"] - service,
        "service_ms": service - sum(container.values()),
        **container,
    }


async def until(moment: float) -> None:
    """Sleeps until then, by `perf_counter`."""
    if (left := moment - time.perf_counter()) > 0:
        await asyncio.sleep(left)
