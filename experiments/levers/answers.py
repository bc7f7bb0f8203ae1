"""An answer as bytes: the standard library's json, as answers.py calls it, beside orjson and msgspec."""

import json
import timeit
from collections.abc import Callable
from functools import partial

import msgspec  # type: ignore[import-not-found]
import numpy as np
import orjson  # type: ignore[import-not-found]

from contract.options import Options
from experiments.levers.timing import values
from model_server.answers import rank
from models.labels import Labels

_CALLS, _ROUNDS, _REQUEST_MS = 300, 11, 4.0

Encode = Callable[[object], bytes]


def main() -> None:
    """Microseconds for an answer with five and with all of a thousand labels, and of the ranking before it."""
    labels: Labels = {at: f"class_{at:04}" for at in range(1000)}
    scores = np.random.default_rng(0).dirichlet(np.ones(1000)).astype(np.float32)
    encoder = msgspec.json.Encoder()
    ways: dict[str, Encode] = {
        "json": lambda body: json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        "orjson": orjson.dumps,
        "msgspec": encoder.encode,
    }
    for count in (5, 1000):
        options = Options(top_k=count)
        ranking = rank(scores, tuple(labels.values()), options)
        body = {
            "model": "diabetic-retinopathy",
            "version": "1.0.0",
            "predictions": [{"label": name, "score": score} for name, score in ranking],
        }
        print(f"{count} labels: microseconds to write (a request takes some {_REQUEST_MS:.0f} ms)")
        print(values({name: partial(_us, partial(way, body)) for name, way in ways.items()}, _ROUNDS, "µs"))
        print(
            values(
                {"ranking them, before": partial(_us, partial(rank, scores, tuple(labels.values()), options))},
                _ROUNDS,
                "µs",
            )
        )


def _us(call: Callable[[], object]) -> float:
    return timeit.timeit(call, number=_CALLS) / _CALLS * 1e6
