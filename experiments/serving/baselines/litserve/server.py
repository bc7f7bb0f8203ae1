"""LitServe with ONNX Runtime and its batching: `python server.py PORT`."""

import json
import os
import sys
from pathlib import Path

import litserve as ls
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from starlette.requests import Request

_FOLDER = Path(os.environ["MODEL_FOLDER"])


class Classifier(ls.LitAPI):
    """Arrays are stacked and unstacked by LitServe itself."""

    def setup(self, device: str) -> None:  # noqa: ARG002 LitServe gives it
        """Loads the network, in each worker process."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["THREADS"])
        self.session = onnxruntime.InferenceSession(
            _FOLDER / "network.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name
        self.labels = json.loads((_FOLDER / "model" / "labels.json").read_text())

    def decode_request(self, request: Request) -> NDArray[np.float32]:
        """The file `content` of a form, which LitServe has read when it calls this."""
        image = Image.open(request["content"].file).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
        return (np.asarray(image, np.float32) - 127.5) / 127.5

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores of a batch."""
        return self.session.run(None, {self.input: x})[0]

    def encode_response(self, output: NDArray[np.float32]) -> dict[str, list[dict[str, object]]]:
        """The five best labels."""
        best = np.argsort(-output)[:5]
        return {"predictions": [{"label": self.labels[at], "score": float(output[at])} for at in best]}


if __name__ == "__main__":
    api = Classifier(max_batch_size=8, batch_timeout=float(os.environ["BATCH_TIMEOUT"]))
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=int(os.environ["WORKERS"]))
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
