"""`python -m experiments.smoke URL`: does a deployed stage answer? One prediction of each model, a line for each.

It reads GET /models, sends each model a sample of its folder, and holds the answer to be of that model in the version
that this checkout has: what serves is what was deployed. Exit status 1 when anything is not so.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session

from contract.media import JSON
from experiments.client.caller import Caller, NoCredentials
from models.registry import Model, load_models
from models.samples import sample_type, samples

TIMEOUT_S = 35  # the gateway gives up before
PATIENCE_S = 300.0  # a cold endpoint, or one whose container is still fetched
WAITS = (429, 503, 504)  # what passes by itself


class SmokeFailed(Exception):
    """What was asked and what came instead."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the API, whatever it is."""

    status: int
    content: Any


class Api:
    """An API, asked by `caller`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._http = URLLib3Session(timeout=TIMEOUT_S)

    def ask(self, method: str, path: str, body: bytes = b"", media_type: str = JSON) -> Answered:
        """Raises SmokeFailed when nobody answers."""
        url = self._caller.url + path
        request = AWSRequest(method, url, data=body, headers=self._caller.headers(method, url, body, media_type))
        try:
            answer = self._http.send(request.prepare())
        except (HTTPClientError, BotoCoreError) as error:
            raise SmokeFailed(f"{method} {url}: {error}") from error
        try:
            return Answered(answer.status_code, json.loads(answer.content))
        except ValueError:
            return Answered(answer.status_code, None)


def smoke(api: Api, models: Mapping[str, Model], *, each_endpoint: bool, patience_s: float) -> Iterator[str]:
    """A line for each prediction. Raises SmokeFailed with the faults of all, once every model was asked."""
    listed = api.ask("GET", "/models")
    if listed.status != 200:
        raise SmokeFailed(f"GET /models: {_said(listed)}")
    deployed = {model["name"]: _answering(model["endpoints"]) for model in listed.content["models"]}
    yield f"GET /models: {', '.join(deployed)}"
    faults = []
    for name, endpoints in deployed.items():
        for endpoint in endpoints if each_endpoint else endpoints[:1]:
            try:
                yield f"{name} {endpoint}: {_predicted(api, name, endpoint, models.get(name), patience_s)}"
            except SmokeFailed as error:
                faults.append(f"{name} {endpoint}: {error}")
    if faults:
        raise SmokeFailed("\n".join(faults))


def _answering(endpoints: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of those that answer a request itself; an asynchronous one takes jobs."""
    return [endpoint["name"] for endpoint in endpoints if endpoint["kind"] != "async"]


def _predicted(api: Api, name: str, endpoint: str, model: Model | None, patience_s: float) -> str:
    sample = next(iter(samples(model).values()), None) if model else None
    if model is None or sample is None:
        raise SmokeFailed("this checkout has no sample of it")
    body, deadline = sample.read_bytes(), time.monotonic() + patience_s
    while True:
        started = time.perf_counter()
        answer = api.ask("POST", f"/models/{name}/predict?endpoint={endpoint}", body, sample_type(sample))
        if answer.status not in WAITS or time.monotonic() > deadline:
            break
        time.sleep(min(5.0, patience_s))
    if answer.status != 200:
        raise SmokeFailed(_said(answer))
    of = answer.content["model"], answer.content["version"]
    if of != (name, model.spec.model.version):
        raise SmokeFailed(f"answers as {of[0]} {of[1]}, not as {name} {model.spec.model.version}")
    return f"{sample.name}, 200 in {(time.perf_counter() - started) * 1000:.0f} ms, version {of[1]}"


def _said(answer: Answered) -> str:
    content = answer.content if isinstance(answer.content, dict) else {}
    code = content["error"]["code"] if "error" in content else "no answer of the API's own"
    return f"{answer.status} {code}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when each model answered, 1 with a line for each that did not."""
    parser = argparse.ArgumentParser(prog="python -m experiments.smoke", description=__doc__)
    parser.add_argument("url", help="the API's address, the output ApiUrl")
    parser.add_argument("--key", help="an API key")
    parser.add_argument("--sign", action="store_true", help="sign with the AWS credentials of the environment (SigV4)")
    parser.add_argument("--each-endpoint", action="store_true", help="ask every endpoint, not each model's first alone")
    parser.add_argument("--patience-s", type=float, default=PATIENCE_S, help="how long to wait for a cold one (300)")
    options = parser.parse_args(arguments)
    models = {model.spec.name: model for model in load_models()}
    try:
        api = Api(Caller(options.url, key=options.key, signs=options.sign))
        for line in smoke(api, models, each_endpoint=options.each_endpoint, patience_s=options.patience_s):
            print(line, flush=True)
    except (SmokeFailed, NoCredentials) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
