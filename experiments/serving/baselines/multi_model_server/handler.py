"""multi-model-server with ONNX Runtime: what goes into its model archive, with the network and the labels."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image


class Classifier:
    """One network in each worker process, of which the server starts one for each core."""

    def __init__(self) -> None:
        self.session = None

    def initialize(self, context) -> None:  # noqa: ANN001 multi-model-server's own class
        """Loads the network."""
        folder = Path(context.system_properties["model_dir"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            folder / "network.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name
        self.labels = json.loads((folder / "labels.json").read_text())

    def handle(self, data, context) -> list[dict[str, list[dict[str, object]]]]:  # noqa: ANN001, ARG002
        """The five best labels of each picture."""
        pixels = np.stack([self._pixels(item["body"]) for item in data])
        return [self._best(scores) for scores in self.session.run(None, {self.input: pixels})[0]]

    def _pixels(self, body: bytes) -> np.ndarray:
        image = Image.open(BytesIO(body)).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
        return (np.asarray(image, np.float32) - 127.5) / 127.5

    def _best(self, scores: np.ndarray) -> dict[str, list[dict[str, object]]]:
        best = np.argsort(-scores)[:5]
        return {"predictions": [{"label": self.labels[at], "score": float(scores[at])} for at in best]}


_service = Classifier()


def handle(data, context) -> list[dict[str, list[dict[str, object]]]] | None:  # noqa: ANN001
    """What the server calls; without data, once, when it loads the model."""
    if _service.session is None:
        _service.initialize(context)
    return None if data is None else _service.handle(data, context)
