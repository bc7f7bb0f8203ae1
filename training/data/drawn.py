"""Writes drawn pictures as a person would hand in photographs of their own: a folder for each label."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def write_image_folder(
    folder: Path, pictures: NDArray[np.uint8], labels: NDArray[np.int64], names: Sequence[str]
) -> None:
    """`pictures` [n, height, width] or [n, height, width, 3] as PNG files; `folder` is there when all of them are."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in names:
        (partial / name).mkdir(parents=True)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        Image.fromarray(picture).save(partial / names[label] / f"{number:05}.png")
    partial.rename(folder)
