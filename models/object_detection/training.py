"""Fits the network to drawn scenes, and says how far it is."""

import math

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.object_detection.dataset import DRAWN, Dataset
from models.object_detection.loss import detection_loss
from models.object_detection.network import build_network
from models.object_detection.targets import encode
from models.progress_bar import ProgressBar

BATCH_SCENES = 8
_LEARNING_RATE = 2e-3


def fit_network(training: Dataset, epochs: int, seed: int) -> keras.Model:
    """A network trained for `epochs` passes over the set; the seed fixes its start and the batches."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = build_network(DRAWN)
    batches = _VariedBatches(training, seed)
    steps = epochs * len(batches)
    rate = keras.optimizers.schedules.CosineDecay(
        _LEARNING_RATE / 10, steps, warmup_target=_LEARNING_RATE, warmup_steps=max(1, steps // 20)
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3, global_clipnorm=20.0),
        loss=detection_loss,
        jit_compile=False,  # on a CPU XLA's convolutions take three times as long as oneDNN's
    )
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[ProgressBar(steps, epochs)])
    return model


class _VariedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in a new order each epoch, each scene mirrored or with its colours swapped at random.

    A batch depends on the seed, the epoch and its index alone, so reading ahead changes nothing.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        super().__init__()
        self._dataset = dataset
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self._dataset.boxes) / BATCH_SCENES)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._dataset.boxes))
        rng = np.random.default_rng((self._seed, self._epoch, index))
        chosen = order[index * BATCH_SCENES : (index + 1) * BATCH_SCENES]
        pictures, targets = zip(*(self._varied(number, rng) for number in chosen), strict=True)
        return np.stack(pictures).astype(np.float32) / 127.5 - 1, np.stack(targets)

    def _varied(self, number: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        picture, boxes = self._dataset.pictures[number], self._dataset.boxes[number]
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
            boxes = boxes[:, [0, 3, 2, 1]] * (1, -1, 1, -1) + (0, 1, 0, 1)
        picture = picture[..., rng.permutation(3)]
        return picture, encode(boxes.astype(np.float32), self._dataset.classes[number], DRAWN)

    def on_epoch_end(self) -> None:
        self._epoch += 1
