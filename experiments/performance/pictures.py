"""The two photographs that are sent: as small as the network's input, and as large as a telephone's."""

import io

import numpy as np
from PIL import Image

from models.registry import ROOT

_FUNDUS = ROOT / "models" / "diabetic_retinopathy" / "samples" / "retina.jpg"


def pictures() -> dict[str, bytes]:
    """Name -> JPEG, both made from the sample photograph; the large one has a sensor's noise."""
    with Image.open(_FUNDUS) as fundus:
        small = fundus.convert("RGB").resize((224, 224))
        large = np.asarray(fundus.convert("RGB").resize((4000, 3000)), dtype=np.float32)
    noise = np.random.default_rng(0).normal(0, 6, large.shape)
    noisy = Image.fromarray((large + noise).clip(0, 255).astype(np.uint8))
    return {"224x224": _jpeg(small), "12 megapixels": _jpeg(noisy)}


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
