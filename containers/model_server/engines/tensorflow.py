"""TensorFlow itself on a SavedModel's `serving_default` signature: for GPUs, and for operations OpenVINO refuses."""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its banners are not JSON

import numpy as np
import tensorflow as tf

from model_server.engines import EngineError, Float32, check_tensors, wrong_input

SIGNATURE = "serving_default"
_MAX_BATCH = 8


class TensorFlowEngine:
    """Calls the signature with up to eight instances, or one where the model was exported with a fixed batch."""

    max_batch = 1

    def __init__(self) -> None:
        self._model: Any = None
        self._input = ""

    def load(self, model_dir: Path) -> None:
        """Reads the SavedModel in `model_dir`. Raises EngineError."""
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        try:
            self._model = tf.saved_model.load(str(model_dir))
            signature = self._model.signatures[SIGNATURE]
        except KeyError as error:
            raise EngineError(f"the SavedModel has no {SIGNATURE} signature; export it with model.export()") from error
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise EngineError(f"TensorFlow cannot read the model in {model_dir}: {error}") from error
        check_tensors(len(signature.structured_input_signature[1]), len(signature.structured_outputs))

    def warm_up(self, example: Float32) -> Float32:
        """Traces and, on a GPU, chooses kernels for the largest and the smallest batch. Raises EngineError."""
        ((self._input, given),) = self._model.signatures[SIGNATURE].structured_input_signature[1].items()
        if given.dtype != tf.float32 or not given.shape.is_compatible_with((None, *example.shape[1:])):
            raise wrong_input(f"{given.shape} of {given.dtype.name}", example)
        fixed = None if given.shape.rank is None else given.shape[0]
        if fixed not in (None, 1):
            raise EngineError(f"the model takes exactly {fixed} pictures at once; export it with a batch of None")
        self.max_batch = fixed or _MAX_BATCH
        self.infer(np.repeat(example, self.max_batch, axis=0))
        return self.infer(example)

    def infer(self, batch: Float32) -> Float32:
        """(n, ...) -> (n, outputs)."""
        outputs = self._model.signatures[SIGNATURE](**{self._input: tf.constant(batch)})
        return np.asarray(next(iter(outputs.values())).numpy(), np.float32)
