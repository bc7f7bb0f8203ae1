"""A picture -> the pixels that the network takes, and boxes in those pixels -> boxes in the picture."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from model_server.engines import Array
from model_server.preprocess import letterbox, resized
from models.input_output import InputSpec

MAX_SIDE_PX = 1024
"""The longer side of what a network without a fixed size is given: a whole photograph would take it minutes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """uint8 pixels (1, height, width, 3), and where in them the picture lies, as fractions x0, y0, x1, y1."""

    pixels: Array
    picture: tuple[float, float, float, float]

    def to_picture(self, boxes: Array) -> Array:
        """Boxes (k, 4) x0, y0, x1, y1 as fractions of the pixels -> as fractions of the picture, cut at its edges."""
        left, top, right, bottom = self.picture
        scale = (right - left, bottom - top) * 2
        moved: Array = (boxes - (left, top, left, top)) / scale
        return moved.clip(0, 1)


def frame(image: Image.Image, spec: InputSpec) -> Frame:
    """`image`, in RGB, as model.toml says."""
    if spec.size is None:
        return Frame(_pixels(_at_most(image, MAX_SIDE_PX)), (0, 0, 1, 1))
    pixels = _pixels(resized(image, spec))
    if spec.resize == "letterbox":
        height, width = spec.size
        left, top, right, bottom = letterbox(image.size, width, height)
        return Frame(pixels, (left / width, top / height, right / width, bottom / height))
    return Frame(pixels, (0, 0, 1, 1))


def _pixels(image: Image.Image) -> Array:
    return np.asarray(image)[None]


def _at_most(image: Image.Image, side_px: int) -> Image.Image:
    scale = side_px / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BILINEAR)
