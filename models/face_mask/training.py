"""Fits the network to drawn portraits, and says how far it is."""

import math

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.face_mask.dataset import LABELS, Dataset
from models.face_mask.network import build_network
from models.progress_bar import ProgressBar

BATCH_IMAGES = 32
_LEARNING_RATE = 2e-3


def fit_network(training: Dataset, epochs: int, seed: int) -> keras.Model:
    """A network trained for `epochs` passes over the set; the seed fixes its start and the batches."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = build_network(LABELS)
    batches = _MirroredBatches(training, seed)
    steps = epochs * len(batches)
    rate = keras.optimizers.schedules.CosineDecay(
        _LEARNING_RATE / 10, steps, warmup_target=_LEARNING_RATE, warmup_steps=max(1, steps // 20)
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU XLA's convolutions take three times as long as oneDNN's
    )
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[ProgressBar(steps, epochs)])
    return model


def preprocess(photos: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a ResNet50 of keras.applications is trained on: BGR, ImageNet's mean subtracted, not scaled."""
    prepared: NDArray[np.float32] = keras.applications.resnet50.preprocess_input(photos.astype(np.float32))
    return prepared


class _MirroredBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in a new order each epoch, half of the portraits mirrored.

    A batch depends on the seed, the epoch and its index alone, so reading ahead changes nothing.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        super().__init__()
        self._dataset = dataset
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self._dataset.labels) / BATCH_IMAGES)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._dataset.labels))
        chosen = order[index * BATCH_IMAGES : (index + 1) * BATCH_IMAGES]
        photos = self._dataset.photos[chosen]
        mirrored = np.random.default_rng((self._seed, self._epoch, index)).random(len(chosen)) < 0.5
        photos[mirrored] = photos[mirrored, :, ::-1]
        return preprocess(photos), self._dataset.labels[chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
