"""A picture -> the network's input, as model.toml says: resized (Pillow, bilinear), then (pixel - mean) / std."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.input_output import InputSpec

Float32 = NDArray[np.float32]

MAX_ASPECT = 4.0  # of a picture whose longer side is free; more would let a sliver of a picture take all memory

SPARE_PIXELS = 6
"""Times the network's input: with fewer a photograph's scores move by more than 0.01 (experiments.reduced_decode)."""


def prepare(image: Image.Image, spec: InputSpec) -> Float32:
    """`image`, in RGB, as one instance of the input: (height, width, 3) for NHWC, (3, height, width) for NCHW."""
    return normalised(np.asarray(resized(image, spec)), spec)


def normalised(pixels: NDArray[np.uint8], spec: InputSpec) -> Float32:
    """RGB `pixels` (height, width, 3) of the size that the network takes, as one instance of the input."""
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels).astype(np.float32)
    rows -= np.tile(
        np.asarray(spec.mean, np.float32), width
    )  # a row at a time: five times as fast as three channels at a time
    rows /= np.tile(np.asarray(spec.std, np.float32), width)
    x = rows.reshape(pixels.shape)
    if spec.channels == "BGR":
        x = x[..., ::-1]
    return np.ascontiguousarray(x if spec.layout == "NHWC" else x.transpose(2, 0, 1))


def needed_side(spec: InputSpec) -> int | None:
    """The pixels that both sides of a picture keep when it is decoded at reduced scale."""
    return None if spec.size is None else SPARE_PIXELS * max(spec.size)


def dynamic_axes(spec: InputSpec) -> tuple[int, ...]:
    """The axes of a batch (n, …) whose size follows the picture."""
    if spec.size is not None and spec.resize != "shorter-side":
        return ()
    return (1, 2) if spec.layout == "NHWC" else (2, 3)


def resized(image: Image.Image, spec: InputSpec) -> Image.Image:
    """`image` with the pixels that the network takes; as it is where model.toml gives no size."""
    if spec.size is None:
        return image
    height, width = spec.size
    if spec.resize == "letterbox":
        return _letterboxed(image, width, height)
    box = None
    if spec.resize == "center-crop":
        box = _centre(image, width / height)
    elif spec.resize == "shorter-side":
        aspect = image.width / image.height
        box = _centre(image, min(max(aspect, 1 / MAX_ASPECT), MAX_ASPECT))
        width, height = _with_shorter_side(height, box)
    return image.resize((width, height), Image.Resampling.BILINEAR, box)


def _with_shorter_side(side: int, box: tuple[float, float, float, float]) -> tuple[int, int]:
    """Width and height; the longer one is cut to whole pixels, as torchvision's Resize does."""
    width, height = box[2] - box[0], box[3] - box[1]
    return (side, int(side * height / width)) if width <= height else (int(side * width / height), side)


def _centre(image: Image.Image, aspect: float) -> tuple[float, float, float, float]:
    """The largest box of `aspect` (width / height) in the middle of `image`."""
    width = min(image.width, image.height * aspect)
    height = min(image.height, image.width / aspect)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return left, top, left + width, top + height


def _letterboxed(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top, right, bottom = letterbox(image.size, width, height)
    paper = Image.new("RGB", (width, height))
    paper.paste(image.resize((right - left, bottom - top), Image.Resampling.BILINEAR), (left, top))
    return paper


def letterbox(size: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """Where a picture of `size` (width, height) lies in one of `width` x `height` pixels: left, top, right, bottom."""
    scale = min(width / size[0], height / size[1])
    inner = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    return left, top, left + inner[0], top + inner[1]
