"""A network, its optimizer and the step that they are at: what a checkpoint of a training holds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from models.object_detection.batches import Batches
from models.object_detection.loss import detection_loss
from training.errors import UnusableCheckpoint

_STATE = "state.npz"


class Trainer:
    """Trains `network` in place."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        optimizer.build(network.trainable_variables)
        self._network = network
        self._variables = [*network.weights, *optimizer.variables]
        self._learn = _step_of(network, optimizer)

    def run(self, batches: Batches, first: int, last: int, after: Callable[[int, float], None]) -> None:
        """The steps from `first` to `last`; after each, `after` is called with its number and its loss."""
        bar = tqdm(total=last, initial=first - 1, desc="training", unit="step")
        with ThreadPoolExecutor(1) as ahead, bar:
            coming = ahead.submit(batches.batch, first)
            for step in range(first, last + 1):
                pixels, targets = coming.result()
                coming = ahead.submit(batches.batch, step + 1)
                loss = float(self._learn(tf.constant(pixels), tf.constant(targets)))
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()
                after(step, loss)

    def save(self, folder: Path) -> None:
        """Writes the whole state to `folder`."""
        np.savez(folder / _STATE, *(variable.numpy() for variable in self._variables))

    def restore(self, folder: Path) -> None:
        """Goes back to the state in `folder`. Raises UnusableCheckpoint."""
        try:
            with np.load(folder / _STATE) as state:
                values = [state[f"arr_{at}"] for at in range(len(self._variables))]
            for variable, value in zip(self._variables, values, strict=True):
                variable.assign(value)
        except (OSError, KeyError, ValueError) as error:
            raise UnusableCheckpoint(
                f"{folder.name}/{_STATE} does not fit this network; remove {folder.name}"
            ) from error


def _step_of(
    network: keras.Model, optimizer: keras.optimizers.Optimizer
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    @tf.function  # type: ignore[untyped-decorator]
    def learn(pixels: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = detection_loss(targets, network(pixels, training=True))
        optimizer.apply(tape.gradient(loss, network.trainable_variables))
        return loss

    return learn  # type: ignore[no-any-return]
