"""Drawn portraits as a person hands in photographs."""

from pathlib import Path

import numpy as np

from models.face_mask.portrait import draw_wearer, random_wearing
from training.data.drawn import write_image_folder

LABELS = ("with_mask", "without_mask")


def write_portraits(folder: Path, count: int, stream: int) -> Path:
    """`count` of them in the new folder `folder`, in one for each label; another `stream` has others."""
    labels = np.arange(count) % len(LABELS)
    streams = [np.random.default_rng((stream, number)) for number in range(count)]
    photos = [draw_wearer(random_wearing(label, rng), rng) for label, rng in zip(labels, streams, strict=True)]
    write_image_folder(folder, np.stack(photos), labels, LABELS)
    return folder
