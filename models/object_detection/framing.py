"""How a picture of any size comes to the network's, and its boxes with it: by the server's own code."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.input_output import InputSpec
from models.object_detection.geometry import Geometry
from object_detection.framing import frame

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Framing:
    """Stretched, or letterboxed: with its aspect ratio, amid black margins."""

    geometry: Geometry
    is_letterboxed: bool

    @property
    def spec(self) -> InputSpec:
        """The same as model.toml says it."""
        size = (self.geometry.height_px, self.geometry.width_px)
        return InputSpec(size=size, resize="letterbox" if self.is_letterboxed else "stretch")

    def framed(self, image: Image.Image, boxes: Float32) -> tuple[NDArray[np.uint8], Float32]:
        """Pixels uint8 [height, width, 3], and `boxes` in fractions of them instead of the picture."""
        seen = frame(image, self.spec)
        left, top, right, bottom = seen.picture
        scale = np.array([bottom - top, right - left] * 2, np.float32)
        return seen.pixels[0], boxes * scale + np.array([top, left] * 2, np.float32)
