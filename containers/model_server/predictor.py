"""What a loaded model is to the server: one request in, one answer out, whatever kind of model it is.

    Request --> Predictor.answer: decode -> infer -> encode --> Answer

The server brings the standard image classifier; a container with an inference.py brings its own.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import NoReturn, Protocol

import numpy as np

from contract.errors import ModelFailed, ModelOutputInvalid
from contract.options import Options
from model_server.answers import Answer
from model_server.deadline import Deadline
from model_server.engines import Array, Engine, Outputs
from model_server.logs import fields, reason
from models.spec import ModelSpec

log = logging.getLogger(__name__)


class ModelUnusable(Exception):
    """A model that must not be served; the message names the file and the remedy."""


@dataclass(slots=True)
class Timings:
    """Milliseconds spent so far in each step of one request."""

    decode: float = 0.0
    inference: float = 0.0
    encode: float = 0.0

    @contextmanager
    def adding_to(self, step: str) -> Iterator[None]:
        """Adds the time that the block takes, whether it succeeds or not."""
        start = perf_counter()
        try:
            yield
        finally:
            setattr(self, step, getattr(self, step) + (perf_counter() - start) * 1000)

    def rounded(self) -> dict[str, float]:
        """Step -> milliseconds, as the log and the Server-Timing header show them."""
        return {"decode": round(self.decode, 2), "inference": round(self.inference, 2), "encode": round(self.encode, 2)}


@dataclass(frozen=True, slots=True)
class Request:
    """A body that is not empty and of an accepted `media_type`, and what the caller asks of the answer."""

    body: bytes
    media_type: str
    accept: str
    options: Options
    deadline: Deadline
    timings: Timings


class Predictor(Protocol):
    """Serves one model. Every method may be called from several threads at once."""

    spec: ModelSpec

    def warm_up(self) -> None:
        """The first inference. Raises ModelUnusable or EngineError when the model must not be served."""

    def answer(self, request: Request) -> Answer:
        """The whole way. Raises ApiError."""


def infer(engine: Engine, batch: Array) -> Outputs:
    """What the network makes of `batch`. Raises ModelFailed, with the reason in the log only; ModelOutputInvalid."""
    try:
        outputs = engine.infer(batch)
    except (Exception, SystemExit) as error:
        log.exception("the model failed", extra=fields(reason=reason(error)))
        raise ModelFailed from error
    if not all(isinstance(value, np.ndarray) for value in outputs.values()):
        withhold("the model gives something else than arrays")
    return outputs


def withhold(fault: str) -> NoReturn:
    """Keeps an output from the caller: logs what is wrong with it. Raises ModelOutputInvalid."""
    log.error("the model's output is withheld", extra=fields(reason=fault))
    raise ModelOutputInvalid
