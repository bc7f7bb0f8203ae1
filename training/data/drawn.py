"""Writes drawn pictures as a person would hand in photographs of their own: a folder for each label.

A network that learns nothing from so few gets weights to begin with, as a folder for each channel lays them out.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.given_checkpoint import CHANNEL as CHECKPOINT
from training.opt_ml import TRAINING


def write_image_folder(
    folder: Path,
    pictures: NDArray[np.uint8],
    labels: NDArray[np.int64],
    names: Sequence[str],
    checkpoint: Path | None = None,
) -> None:
    """`pictures` [n, height, width] or [n, height, width, 3] as PNG files.

    With the file `checkpoint` they lie in the folder `training`, beside `checkpoint` with a copy of it.
    """
    training = folder / TRAINING if checkpoint else folder
    for name in names:
        (training / name).mkdir(parents=True)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        Image.fromarray(picture).save(training / names[label] / f"{number:05}.png")
    if checkpoint:
        (folder / CHECKPOINT).mkdir()
        shutil.copy(checkpoint, folder / CHECKPOINT)
