"""BentoML with ONNX Runtime and its adaptive batching: `bentoml serve server:Classifier`."""

import json
import os
from pathlib import Path

import bentoml
import numpy as np
import onnxruntime
from PIL.Image import Image, Resampling

_FOLDER = Path(os.environ["MODEL_FOLDER"])


@bentoml.service(workers=int(os.environ["WORKERS"]))
class Classifier:
    """One network in each worker process."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["THREADS"])
        self.session = onnxruntime.InferenceSession(
            _FOLDER / "network.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name
        self.labels = json.loads((_FOLDER / "model" / "labels.json").read_text())

    @bentoml.api(batchable=True)
    def predict(self, images: list[Image]) -> list[dict[str, list[dict[str, object]]]]:
        """The five best labels of each picture."""
        small = [image.convert("RGB").resize((224, 224), Resampling.BILINEAR) for image in images]
        pixels = np.stack([(np.asarray(image, np.float32) - 127.5) / 127.5 for image in small])
        return [self._best(scores) for scores in self.session.run(None, {self.input: pixels})[0]]

    def _best(self, scores: np.ndarray) -> dict[str, list[dict[str, object]]]:
        best = np.argsort(-scores)[:5]
        return {"predictions": [{"label": self.labels[at], "score": float(scores[at])} for at in best]}
