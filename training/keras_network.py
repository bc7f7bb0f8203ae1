"""A Keras network as the loop of a training takes it. Import it late: it brings TensorFlow."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its start-up notices would break the progress bar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.classifier import ClassifierJob
from training.data.batches import Batch
from training.errors import UnusableCheckpoint
from training.keras_weights import load_weights

_FILE = "state.npz"


class KerasNetwork:
    """One input, one output of a number for each label, with AdamW; `build` makes it, untrained."""

    def __init__(self, job: ClassifierJob, build: Callable[[], keras.Model], checkpoint: Path | None) -> None:
        keras.utils.set_random_seed(job.hyperparameters.seed)
        tf.config.experimental.enable_op_determinism()
        tf.get_logger().setLevel("WARNING")  # each SavedModel would say where its assets lie; it has none
        self._model = build()
        if checkpoint:
            load_weights(self._model, checkpoint)
        self._optimizer = keras.optimizers.AdamW(weight_decay=job.hyperparameters.weight_decay)
        self._optimizer.build(self._model.trainable_variables)
        self._loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=job.model.spec.output.scores == "logits", reduction="sum_over_batch_size"
        )
        self._kept = _copied(self._model.variables)
        inputs = tf.TensorSpec(self._model.inputs[0].shape, tf.float32)
        signature = [inputs, tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.float32)]
        # No XLA: on a CPU its convolutions take three times as long as oneDNN's.
        self._step = tf.function(self._learn, input_signature=signature)
        self._serve = tf.function(lambda inputs: self._model(inputs, training=False), input_signature=[inputs])

    def learn(self, batch: Batch, rate: float) -> float:
        """One step of AdamW at the learning rate `rate`; the weighted loss before it."""
        self._optimizer.learning_rate = rate
        return float(self._step(*map(tf.constant, (batch.inputs, batch.labels, batch.weights))))

    def _learn(self, inputs: Any, labels: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self._loss(labels, self._model(inputs, training=True), sample_weight=weights)
            loss += sum(self._model.losses)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """What it gives when served, [n, labels]."""
        outputs: NDArray[np.float32] = self._serve(tf.constant(inputs)).numpy()
        return outputs

    def keep(self) -> None:
        """Copies its weights: they are the best so far."""
        self._kept = _copied(self._model.variables)

    def return_to_kept(self) -> None:
        """Takes the copied weights back."""
        for variable, value in zip(self._model.variables, self._kept, strict=True):
            variable.assign(value)

    def save(self, folder: Path) -> None:
        """Writes all of its state to `folder`."""
        np.savez(folder / _FILE, allow_pickle=False, **dict(self._state()))

    def _state(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """The random states of layers such as Dropout are variables of the model too."""
        for name, variables in (("model", self._model.variables), ("optimizer", self._optimizer.variables)):
            yield from ((f"{name}/{number}", value) for number, value in enumerate(_copied(variables)))
        yield from ((f"kept/{number}", value) for number, value in enumerate(self._kept))

    def restore(self, folder: Path) -> None:
        """Reads that back. Raises UnusableCheckpoint."""
        try:
            with np.load(folder / _FILE) as state:
                for name, variables in (("model", self._model.variables), ("optimizer", self._optimizer.variables)):
                    for number, variable in enumerate(variables):
                        variable.assign(state[f"{name}/{number}"])
                self._kept = [state[f"kept/{number}"] for number in range(len(self._kept))]
        except (OSError, KeyError, ValueError) as error:
            raise UnusableCheckpoint(f"{folder.name}/{_FILE} is damaged; remove that folder") from error

    def export(self, folder: Path) -> None:
        """Writes the SavedModel."""
        self._model.export(folder, format="tf_saved_model", verbose=False)


def _copied(variables: Sequence[keras.Variable]) -> list[NDArray[Any]]:
    return [np.array(variable.value.numpy()) for variable in variables]
