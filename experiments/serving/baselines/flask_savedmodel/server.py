"""Flask under gunicorn: the picture as base64 in JSON, TensorFlow's own loader and the signature `serving_default`."""

import base64
import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import tensorflow as tf
from flask import Flask, Response, jsonify, request
from PIL import Image

_FOLDER = Path(os.environ["MODEL_FOLDER"]) / "model"
_LABELS = json.loads((_FOLDER / "labels.json").read_text())
_MODEL = tf.saved_model.load(str(_FOLDER))
_SIGNATURE = _MODEL.signatures["serving_default"]
_INPUT = next(iter(_SIGNATURE.structured_input_signature[1]))

app = Flask(__name__)


@app.post("/predict")
def predict() -> Response:
    """The five best labels of the picture in `image`."""
    body = base64.b64decode(request.get_json()["image"])
    image = Image.open(BytesIO(body)).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    pixels = (np.asarray(image, np.float32) - 127.5) / 127.5
    outputs = _SIGNATURE(**{_INPUT: tf.constant(pixels[None])})
    scores = next(iter(outputs.values())).numpy()[0]
    best = np.argsort(-scores)[:5]
    return jsonify(predictions=[{"label": _LABELS[at], "score": float(scores[at])} for at in best])
