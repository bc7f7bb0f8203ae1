"""The loaded model: decode -> predict -> encode, with its outputs validated before anyone sees them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from PIL import Image

from contract.errors import ModelFailed, ModelOutputInvalid
from model_server.answers import Answer, as_csv, as_json, rank
from model_server.deadline import Deadline
from model_server.engines import Engine, Float32
from model_server.images import decode_image
from model_server.logs import fields, reason
from model_server.payload import Payload
from model_server.preprocess import prepare
from models.spec import ModelSpec

_SUM_TOLERANCE = 1e-2
_RANGE_TOLERANCE = 1e-4

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


class Classifier:
    """Serves one image classifier on one engine. Every method may be called from several threads at once."""

    def __init__(self, spec: ModelSpec, engine: Engine) -> None:
        self.spec = spec
        self._engine = engine

    def answer(self, payload: Payload, *, csv: bool, deadline: Deadline, timings: Timings) -> Answer:
        """The whole way. Goes chunk by chunk, so that memory holds few decoded pictures and the deadline is kept."""
        scores, step = [], self._engine.max_batch
        for start in range(0, len(payload.images), step):
            deadline.check()
            with timings.adding_to("decode"):
                batch = self.decode(payload.images[start : start + step])
            deadline.check()
            with timings.adding_to("inference"):
                scores.append(self.predict(batch))
        with timings.adding_to("encode"):
            return self.encode(np.concatenate(scores), payload, csv=csv)

    def decode(self, images: tuple[bytes, ...]) -> Float32:
        """Encoded images -> the network's input. Raises the errors of `decode_image`."""
        return np.stack([prepare(decode_image(image), self.spec.input) for image in images])

    def predict(self, batch: Float32) -> Float32:
        """The probability of each label, (n, labels). Raises ModelFailed, ModelOutputInvalid."""
        try:
            outputs = self._engine.infer(batch)
        except Exception as error:
            log.exception("the model failed", extra=fields(reason=reason(error)))
            raise ModelFailed from error
        fault = self._fault(outputs, len(batch))
        if fault:
            log.error("the model's output is withheld", extra=fields(reason=fault))
            raise ModelOutputInvalid
        return self._probabilities(outputs)

    def encode(self, scores: Float32, payload: Payload, *, csv: bool) -> Answer:
        """The answer that was asked for."""
        rankings = [rank(instance, self.spec.model.labels, payload.options) for instance in scores]
        return as_csv(rankings) if csv else as_json(rankings, self.spec.model, is_batch=payload.is_batch)

    def warm_up(self) -> None:
        """The first inference, on a picture. Raises ModelUnusable when model.toml does not fit it."""
        example = prepare(Image.linear_gradient("L").convert("RGB"), self.spec.input)
        fault = self._fault(self._engine.warm_up(example[None]), 1)
        if fault:
            raise ModelUnusable(f"model.toml: {fault}")

    def _fault(self, outputs: Float32, instances: int) -> str | None:
        """What is wrong with the network's numbers, with the remedy, or None."""
        labels = len(self.spec.model.labels)
        if outputs.ndim == 2 and outputs.shape[1] != labels:
            count = outputs.shape[1]
            return f"model.labels: {labels} labels, but the model gives {count} numbers; name all {count}"
        if outputs.shape != (instances, labels):
            return f"the model gives an output of {outputs.shape}, not {(instances, labels)}; export a classifier"
        if not np.isfinite(outputs).all():
            return "the model gives NaN or Inf; check input.mean, input.std and the weights"
        if self.spec.output.scores == "probabilities":
            outside = outputs.min() < -_RANGE_TOLERANCE or outputs.max() > 1 + _RANGE_TOLERANCE
            if outside or np.abs(outputs.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
                return 'the model gives no probabilities that sum to 1; set output.scores = "logits" or add a softmax'
        return None

    def _probabilities(self, outputs: Float32) -> Float32:
        if self.spec.output.scores == "probabilities":
            return outputs.clip(0, 1)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        softmax: Float32 = powers / powers.sum(axis=1, keepdims=True)
        return softmax
