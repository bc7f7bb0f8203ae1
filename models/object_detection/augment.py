"""The augmentations of protos/preprocessor.proto that this training can do, with their defaults.

Each takes pixels float32 [h, w, 3] in 0..255 and boxes [k, 4] in fractions, and gives both.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.object_detection.fields import Fields

Float32 = NDArray[np.float32]
Picture = tuple[Float32, Float32]
Augmentation = Callable[[Float32, Float32, np.random.Generator], Picture]

_GREY = np.array([0.2989, 0.587, 0.114], np.float32)  # tf.image.rgb_to_grayscale's


def read_augmentations(options: Sequence[Fields]) -> list[Augmentation]:
    """Those of `options`, each a data_augmentation_options, in their order. Raises ValueError."""
    return [make(option.child(name)) for option in options for name, make in AUGMENTATIONS.items() if option.has(name)]


def horizontal_flip(fields: Fields) -> Augmentation:
    """Left for right, at times."""
    return _at_times(fields.number("probability", 0.5), lambda pixels, boxes: (pixels[:, ::-1], _turned(boxes, 1)))


def _vertical_flip(fields: Fields) -> Augmentation:
    return _at_times(fields.number("probability", 0.5), lambda pixels, boxes: (pixels[::-1], _turned(boxes, 0)))


def _rgb_to_gray(fields: Fields) -> Augmentation:
    return _at_times(
        fields.number("probability", 0.1), lambda pixels, boxes: (np.repeat(_grey(pixels), 3, axis=-1), boxes)
    )


def _adjust_brightness(fields: Fields) -> Augmentation:
    most = fields.number("max_delta", 0.2)

    def brighter(pixels: Float32, boxes: Float32, rng: np.random.Generator) -> Picture:
        return (pixels + np.float32(255 * rng.uniform(-most, most))).clip(0, 255), boxes

    return brighter


def _adjust_contrast(fields: Fields) -> Augmentation:
    low, high = fields.number("min_delta", 0.8), fields.number("max_delta", 1.25)
    return _drawn_away(low, high, lambda pixels: pixels.mean(axis=(0, 1), keepdims=True))


def _adjust_saturation(fields: Fields) -> Augmentation:
    low, high = fields.number("min_delta", 0.8), fields.number("max_delta", 1.25)
    return _drawn_away(low, high, _grey)


AUGMENTATIONS: Mapping[str, Callable[[Fields], Augmentation]] = {
    "random_horizontal_flip": horizontal_flip,
    "random_vertical_flip": _vertical_flip,
    "random_rgb_to_gray": _rgb_to_gray,
    "random_adjust_brightness": _adjust_brightness,
    "random_adjust_contrast": _adjust_contrast,
    "random_adjust_saturation": _adjust_saturation,
}


def _at_times(probability: float, change: Callable[[Float32, Float32], Picture]) -> Augmentation:
    def changed(pixels: Float32, boxes: Float32, rng: np.random.Generator) -> Picture:
        return change(pixels, boxes) if rng.random() < probability else (pixels, boxes)

    return changed


def _drawn_away(low: float, high: float, still: Callable[[Float32], Float32]) -> Augmentation:
    """Multiplies the distance from what `still` gives by a number from `low` to `high`."""
    if low > high:
        raise ValueError(f"min_delta is {low:g}, and max_delta {high:g}; it should be the larger one")

    def changed(pixels: Float32, boxes: Float32, rng: np.random.Generator) -> Picture:
        centre, factor = still(pixels), np.float32(rng.uniform(low, high))
        return ((pixels - centre) * factor + centre).clip(0, 255), boxes

    return changed


def _turned(boxes: Float32, axis: int) -> Float32:
    turned = boxes.copy()
    turned[:, [axis, axis + 2]] = 1 - boxes[:, [axis + 2, axis]]
    return turned


def _grey(pixels: Float32) -> Float32:
    grey: Float32 = (pixels @ _GREY)[..., None]
    return grey
