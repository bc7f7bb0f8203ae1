"""What is compared of a picture and of its answer, by name. One table: baseline, check and plot read it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from contract.errors import ApiError
from model_server.images import decode_image, picture_size
from monitoring.stability import Value

_SIDE_PX = 64  # of a large JPEG an eighth is decoded: means and spreads stay what they are

FEATURES = {
    "brightness": "mean luma, 0 to 255",
    "contrast": "standard deviation of luma",
    "red": "mean, 0 to 255",
    "green": "mean, 0 to 255",
    "blue": "mean, 0 to 255",
    "width": "pixels",
    "height": "pixels",
    "aspect": "width over height",
    "score": "of the best prediction",
    "label": "of the best prediction",
}
"""Name -> what it is."""


def of_picture(body: bytes) -> dict[str, Value]:
    """The statistics of an encoded picture; luma is that of ITU-R BT.601. Raises ApiError for an unusable one."""
    width, height = picture_size(body)
    pixels = np.asarray(decode_image(body, _SIDE_PX), np.float32).reshape(-1, 3)
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    red, green, blue = (float(mean) for mean in pixels.mean(axis=0))
    return {
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
        "red": red,
        "green": green,
        "blue": blue,
        "width": float(width),
        "height": float(height),
        "aspect": round(width / height, 3),
    }


def of_answer(answer: Mapping[str, Any]) -> dict[str, Value]:
    """The best prediction of a server's JSON answer, or of a batch's row; nothing where there is none."""
    found = answer.get("predictions") or answer.get("detections") or answer.get("instances") or ()
    best = next(iter(found), None)
    if not isinstance(best, dict) or "score" not in best:
        return {}
    return {"score": float(best["score"]), "label": str(best.get("label", best.get("gloss")))}


def of_pictures(bodies: tuple[bytes, ...]) -> tuple[list[dict[str, Value]], int]:
    """The statistics of those that can be used, and how many cannot."""
    found = []
    for body in bodies:
        try:
            found.append(of_picture(body))
        except ApiError:
            continue
    return found, len(bodies) - len(found)
