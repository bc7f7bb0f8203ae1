"""A picture -> the network's input, as model.toml says: resized (Pillow, bilinear), then (pixel - mean) / std."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.spec import InputSpec

Float32 = NDArray[np.float32]


def prepare(image: Image.Image, spec: InputSpec) -> Float32:
    """`image`, in RGB, as one instance of the input: (height, width, 3) for NHWC, (3, height, width) for NCHW."""
    x = np.asarray(_resized(image, spec)).astype(np.float32)
    x -= np.asarray(spec.mean, np.float32)
    x /= np.asarray(spec.std, np.float32)
    return x if spec.layout == "NHWC" else np.ascontiguousarray(x.transpose(2, 0, 1))


def _resized(image: Image.Image, spec: InputSpec) -> Image.Image:
    height, width = spec.size
    if spec.resize == "letterbox":
        return _letterboxed(image, width, height)
    box = _centre(image, width / height) if spec.resize == "center-crop" else None
    return image.resize((width, height), Image.Resampling.BILINEAR, box)


def _centre(image: Image.Image, aspect: float) -> tuple[float, float, float, float]:
    """The largest box of `aspect` (width / height) in the middle of `image`."""
    width = min(image.width, image.height * aspect)
    height = min(image.height, image.width / aspect)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return left, top, left + width, top + height


def _letterboxed(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    paper = Image.new("RGB", (width, height))
    paper.paste(image.resize(inner, Image.Resampling.BILINEAR), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return paper
