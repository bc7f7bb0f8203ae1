"""The network as a TFLite file, for phones and boards: in floats, or in whole numbers of eight bits from end to end.

It takes pixels [1, height, width, 3] in 0..255 (float32, or uint8) and gives the heat of each class in 0..1 and the raw
distances, cell by cell; `decode` makes boxes of them. In eight bits the boxes' own arithmetic would lose the boxes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.object_detection.decode import decode
from models.object_detection.evaluate import Detections, detections
from models.object_detection.geometry import Geometry

LITE = "model.tflite"

_SIGNATURE = "serving_default"


def write_lite(
    network: keras.Model, geometry: Geometry, examples: Sequence[NDArray[np.uint8]] | None, file: Path
) -> None:
    """Writes `file`; with `examples`, pictures uint8 [height, width, 3] that set the scales, in eight bits."""
    pixels = keras.Input(batch_shape=(1, geometry.height_px, geometry.width_px, 3), name="pixels")
    cells = network(pixels / 127.5 - 1)
    heat, raw = keras.ops.sigmoid(cells[..., :-4]), keras.ops.clip(cells[..., -4:], -4.0, 3.0)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, {"heat": heat, "raw": raw}))
    if examples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _representative(examples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    keras.config.disable_interactive_logging()  # the converter lists all variables
    file.write_bytes(converter.convert())


def _representative(examples: Sequence[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.float32]]]:
    """The examples, the first with a black and a white pixel: then a step of the input is a step of a pixel."""
    for number, example in enumerate(examples):
        pixels = example.astype(np.float32)[None]
        if number == 0:
            pixels[0, 0, :2] = [[0] * 3, [255] * 3]
        yield [pixels]


class LiteDetector:
    """Runs a file of `write_lite`."""

    def __init__(self, file: Path, geometry: Geometry, ids: Sequence[int]) -> None:
        self._run = tf.lite.Interpreter(str(file)).get_signature_runner(_SIGNATURE)
        self._geometry = geometry
        self._ids = ids

    @property
    def input_type(self) -> type:
        """numpy.float32 or numpy.uint8."""
        return self._run.get_input_details()["pixels"]["dtype"]  # type: ignore[no-any-return]

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """What is in pixels uint8 [height, width, 3]."""
        said = self._run(pixels=pixels[None].astype(self.input_type))
        scales = {name: output["quantization"] for name, output in self._run.get_output_details().items()}
        heat, raw = (tf.constant(_in_floats(said[name][0], *scales[name])) for name in ("heat", "raw"))
        return detections(decode(heat, raw, self._geometry, self._ids))


def _in_floats(value: NDArray[Any], scale: float, zero: int) -> NDArray[np.float32]:
    """A scale of 0 says that they are floats."""
    floats = value.astype(np.float32)
    return (floats - zero) * np.float32(scale) if scale else floats
