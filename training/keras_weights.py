"""Trained weights of any of Keras's files -> a network of the same layers."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.convert_keras import load_keras
from models.convert_refusal import Refusal, first_line
from training.errors import UnusableCheckpoint

_VALUE = "variables/{}/.ATTRIBUTES/VARIABLE_VALUE"


def load_weights(model: keras.Model, file: Path) -> None:
    """From a saved_model.pb as model.export() writes it, a .keras or a .weights.h5. Raises UnusableCheckpoint."""
    try:
        if file.name.endswith(".weights.h5"):
            model.load_weights(file)
        elif file.suffix == ".keras":
            _take(model, load_keras(file, None).get_weights())
        else:
            _take(model, _exported(file.parent))
    except (Refusal, tf.errors.OpError, OSError, ValueError) as error:
        raise UnusableCheckpoint(f"{file.name}: {first_line(error)}; give weights of this very network") from error


def _exported(folder: Path) -> Sequence[NDArray[np.float32]]:
    """The weights of the SavedModel in `folder`, in the order of the layers."""
    stored = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    weights: list[NDArray[np.float32]] = []
    while stored.has_tensor(_VALUE.format(len(weights))):
        weights.append(stored.get_tensor(_VALUE.format(len(weights))))
    if not weights:
        raise ValueError("the SavedModel is none that model.export() of Keras 3 wrote")
    return [value for value in weights if value.dtype.kind == "f"]  # without the random states of its layers


def _take(model: keras.Model, weights: Sequence[NDArray[np.float32]]) -> None:
    have, want = [value.shape for value in weights], [tuple(value.shape) for value in model.weights]
    if have != want:
        differing = next(
            (place for place, pair in enumerate(zip(have, want, strict=False)) if pair[0] != pair[1]), None
        )
        said = (
            f"{len(have)} arrays, not {len(want)}" if differing is None else f"{have[differing]}, not {want[differing]}"
        )
        raise ValueError(f"its weights have other shapes: {said}")
    model.set_weights(weights)
