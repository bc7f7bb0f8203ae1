"""Serves any export with the signature of the TF Object Detection API, one picture at a time.

An answer tells each detection twice: as the row [class_id, score, x0, y0, x1, y1] that clients of SageMaker's own
detectors draw, and with its label.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from contract.media import wants_csv
from contract.options import Options
from model_server.answers import Answer, csv_answer, json_answer, rounded
from model_server.engines import Engine
from model_server.images import decode_image
from model_server.payload import Payload, read_payload
from model_server.predictor import ModelUnusable, Request, infer, withhold
from model_server.preprocess import dynamic_axes, needed_side
from models.labels import Labels
from models.spec import ModelSpec
from object_detection.detections import SIGNATURE, Detections, detections, fault_of, missing
from object_detection.framing import Frame, frame

DEFAULT_THRESHOLD = 0.3
"""An export gives up to hundreds of boxes, most of them next to nothing; callers who want those say so."""

Row = tuple[int, float, float, float, float, float]
"""class_id, score, x0, y0, x1, y1."""


class Detector:
    """One detector on one engine, with its outputs validated before anyone sees them."""

    def __init__(self, spec: ModelSpec, labels: Labels, engine: Engine) -> None:
        self.spec = spec
        self._labels = labels
        self._engine = engine

    def warm_up(self) -> None:
        """The first inference, on a picture. Raises ModelUnusable when the export is no detector."""
        example = frame(Image.linear_gradient("L").convert("RGB"), self.spec.input)
        outputs = self._engine.warm_up(example.pixels, dynamic_axes(self.spec.input), one_by_one=True)
        lacking = missing(outputs)
        if lacking:
            raise ModelUnusable(
                f"model.toml: model.artifact: the model has no {', '.join(lacking)}, but {', '.join(sorted(outputs))}; "
                f"export it with the TF Object Detection API's signature ({', '.join(SIGNATURE)})"
            )
        fault = fault_of(outputs)
        if fault:
            raise ModelUnusable(f"model.toml: model.artifact: {fault}")

    def answer(self, request: Request) -> Answer:
        """Picture by picture: each may have its own size, and memory holds one at a time."""
        with request.timings.adding_to("decode"):
            payload = read_payload(request.body, request.media_type, request.options)
        each = []
        for encoded in payload.images:
            request.deadline.check()
            with request.timings.adding_to("decode"):
                framed = frame(decode_image(encoded, needed_side(self.spec.input)), self.spec.input)
            request.deadline.check()
            with request.timings.adding_to("inference"):
                each.append(_rows(self._detect(framed), payload.options))
        with request.timings.adding_to("encode"):
            return self._encode(each, payload, csv=wants_csv(request.accept))

    def _detect(self, framed: Frame) -> Detections:
        """What the picture holds. Raises ModelFailed, ModelOutputInvalid."""
        outputs = infer(self._engine, framed.pixels)
        fault = fault_of(outputs)
        if fault:
            withhold(fault)
        found = detections(outputs)
        boxes = framed.to_picture(found.boxes)
        in_picture = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))  # and not in the letterbox's margins
        return Detections(found.class_ids, found.scores, boxes).at(in_picture)

    def _encode(self, each: list[list[Row]], payload: Payload, *, csv: bool) -> Answer:
        """The answer that was asked for; as CSV one line for each picture, its rows one behind the other."""
        if csv:
            return csv_answer([cell for row in rows for cell in row] for rows in each)
        told = [{"prediction": rows, "detections": [self._labelled(row) for row in rows]} for rows in each]
        return json_answer(self.spec.model, {"instances": told} if payload.is_batch else told[0])

    def _labelled(self, row: Row) -> dict[str, object]:
        class_id, score, *box = row
        return {"label": self._labels.get(class_id, f"class {class_id}"), "score": score, "box": box}


def _rows(found: Detections, options: Options) -> list[Row]:
    """The best `top_k` of those with the threshold's score or more."""
    threshold = DEFAULT_THRESHOLD if options.threshold is None else options.threshold
    chosen = found.at(np.flatnonzero(found.scores >= threshold)[: options.top_k])
    return [
        (int(class_id), rounded(score), rounded(x0), rounded(y0), rounded(x1), rounded(y1))
        for class_id, score, (x0, y0, x1, y1) in zip(chosen.class_ids, chosen.scores, chosen.boxes, strict=True)
    ]


def build(spec: ModelSpec, labels: Labels, engine: Engine, _model_dir: Path) -> Detector:
    """The detector, for the model server."""
    return Detector(spec, labels, engine)
