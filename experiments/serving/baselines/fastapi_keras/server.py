"""How the published systems do it: FastAPI under gunicorn, Pillow, and Keras' `model.predict` inside the request.

Each worker process has its own network, as gunicorn's and FastAPI's documentation have it for CPU-bound work.
"""

import json
import os
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
from fastapi import FastAPI, Request
from PIL import Image

_FOLDER = Path(os.environ["MODEL_FOLDER"])
_LABELS = json.loads((_FOLDER / "model" / "labels.json").read_text())
_NETWORK = keras.models.load_model(_FOLDER / "network.keras", compile=False)

app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> dict[str, list[dict[str, object]]]:
    """The five best labels of the JPEG in the body."""
    image = Image.open(BytesIO(await request.body())).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    pixels = (np.asarray(image, np.float32) - 127.5) / 127.5
    scores = _NETWORK.predict(pixels[None], verbose=0)[0]
    best = np.argsort(-scores)[:5]
    return {"predictions": [{"label": _LABELS[at], "score": float(scores[at])} for at in best]}
