"""What CloudWatch is told of each prediction: one line of the log in its embedded metric format, and no call.

Lambda passes what is printed to the log as it is, whatever the function's log format (a record of `logging` it would
wrap), and CloudWatch makes metrics of a line that is a document of CloudWatch user guide, "Specification: Embedded
metric format". Every name in it is ours: of the registry, or in this file. Nothing that a client wrote is.

CloudWatch bills each metric of each endpoint, for the hours in which it gets values (docs/watching.md).
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambda_handlers.proxy.registry import Registry

MILLISECONDS, BYTES, COUNT = "Milliseconds", "Bytes", "Count"

# Of Server-Timing: the function's own whole time, that of the service behind it, and what the container measured.
HOPS = {
    "function": "FunctionTime",
    "sagemaker": "ServiceTime",
    "lambda": "ServiceTime",
    "decode": "DecodeTime",
    "inference": "InferenceTime",
    "encode": "EncodeTime",
}
OF_ENDPOINT = {
    "Refused": COUNT,
    "Failed": COUNT,
    "RequestBytes": BYTES,
    "ResponseBytes": BYTES,
    **dict.fromkeys(HOPS.values(), MILLISECONDS),
}
OF_FUNCTION = {"ColdStarts": COUNT}
DIMENSIONS = ("Model", "Endpoint")
PREDICT = ("POST", "/models/{model}/predict")


class Metrics:
    """The lines of one execution environment of the function, in `namespace`."""

    def __init__(self, namespace: str, registry: Registry) -> None:
        self._namespace, self._registry = namespace, registry
        self._is_cold = True

    def line(self, event: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
        """What to print for one request and its answer; of an endpoint where the request named one that there is."""
        values: dict[str, float] = {"ColdStarts": int(self._is_cold)}
        directives = [self._directive(OF_FUNCTION, [])]
        self._is_cold = False
        names = self._names(event)
        if names is not None:
            measured = dict(_measured(event, answer))
            directives.append(self._directive({name: OF_ENDPOINT[name] for name in measured}, DIMENSIONS))
            values |= measured
        about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives}
        return json.dumps({"_aws": about, **dict(zip(DIMENSIONS, names or (), strict=False)), **values})

    def _names(self, event: Mapping[str, Any]) -> tuple[str, str] | None:
        """The registry's, of what a prediction was asked of."""
        if (event.get("httpMethod"), event.get("resource")) != PREDICT:
            return None
        query = event.get("queryStringParameters") or {}
        return self._registry.names(event["pathParameters"]["model"], query.get("endpoint"))

    def _directive(self, units: Mapping[str, str], dimensions: Sequence[str]) -> dict[str, Any]:
        metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
        return {"Namespace": self._namespace, "Dimensions": [list(dimensions)], "Metrics": metrics}


def _measured(event: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "Refused", int(400 <= answer["statusCode"] < 500)
    yield "Failed", int(answer["statusCode"] >= 500)
    yield "RequestBytes", _body_bytes(event)
    yield "ResponseBytes", len(answer["body"].encode())
    yield from _hops(answer["headers"].get("Server-Timing", ""))


def _body_bytes(event: Mapping[str, Any]) -> int:
    """Of the body that was sent, without decoding it once more."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return len(text.encode())
    return len(text) // 4 * 3 - text[-2:].count("=")


def _hops(timings: str) -> Iterator[tuple[str, float]]:
    """Of a Server-Timing header that the handler wrote; a name that is not one of HOPS is left out."""
    for entry in filter(None, timings.split(",")):
        name, _, duration = entry.partition(";dur=")
        if name in HOPS and math.isfinite(spent := float(duration)):  # a container of somebody else's may count oddly
            yield HOPS[name], spent
