"""The standard image classifier: what serves every model whose container brings no code of its own."""

from pathlib import Path

import numpy as np
from PIL import Image

from contract.media import wants_csv
from model_server.answers import Answer, as_csv, as_json, rank
from model_server.engines import Array, Engine, Float32, only
from model_server.images import decode_image
from model_server.payload import Payload, read_payload
from model_server.predictor import ModelUnusable, Request, infer, withhold
from model_server.preprocess import dynamic_axes, needed_side, prepare
from model_server.scores import fault_of, probabilities
from models.labels import Labels
from models.spec import ModelSpec


class Classifier:
    """Serves one image classifier on one engine, with its outputs validated before anyone sees them."""

    def __init__(self, spec: ModelSpec, labels: Labels, engine: Engine) -> None:
        self.spec = spec
        self._labels, self._names = labels, tuple(labels.values())
        self._engine = engine

    def warm_up(self) -> None:
        """The first inference, on a picture. Raises ModelUnusable when model.toml does not fit it."""
        example = prepare(Image.linear_gradient("L").convert("RGB"), self.spec.input)
        outputs = only(self._engine.warm_up(example[None], dynamic_axes(self.spec.input)))
        fault = fault_of(outputs, 1, self._labels, self.spec.output)
        if fault:
            raise ModelUnusable(f"model.toml: {fault}")

    def answer(self, request: Request) -> Answer:
        """Goes chunk by chunk, so that memory holds few decoded pictures and the deadline is kept."""
        with request.timings.adding_to("decode"):
            payload = read_payload(request.body, request.media_type, request.options)
        scores, step = [], self._engine.max_batch
        for start in range(0, len(payload.images), step):
            request.deadline.check()
            with request.timings.adding_to("decode"):
                batch = self._decode(payload.images[start : start + step])
            request.deadline.check()
            with request.timings.adding_to("inference"):
                scores.append(self._predict(batch))
        with request.timings.adding_to("encode"):
            return self._encode(np.concatenate(scores), payload, csv=wants_csv(request.accept))

    def _decode(self, images: tuple[bytes, ...]) -> Float32:
        """Encoded images -> the network's input. Raises the errors of `decode_image`."""
        side = needed_side(self.spec.input)
        inputs = [prepare(decode_image(image, side), self.spec.input) for image in images]
        return inputs[0][None] if len(inputs) == 1 else np.stack(inputs)

    def _predict(self, batch: Float32) -> Array:
        """The probability of each label, (n, labels). Raises ModelFailed, ModelOutputInvalid."""
        outputs = only(infer(self._engine, batch))
        fault = fault_of(outputs, len(batch), self._labels, self.spec.output)
        if fault:
            withhold(fault)
        return probabilities(outputs, self.spec.output)

    def _encode(self, scores: Array, payload: Payload, *, csv: bool) -> Answer:
        """The answer that was asked for."""
        rankings = [rank(instance, self._names, payload.options) for instance in scores]
        return as_csv(rankings) if csv else as_json(rankings, self.spec.model, is_batch=payload.is_batch)


def build(spec: ModelSpec, labels: Labels, engine: Engine, _model_dir: Path) -> Classifier:
    """The classifier, as a container's own inference.py would build its predictor."""
    return Classifier(spec, labels, engine)
