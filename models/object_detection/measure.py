"""How well a detector finds what is in records, whatever it runs on."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.labels import Labels
from models.object_detection.evaluate import Detections, map_50
from models.object_detection.framing import Framing
from models.object_detection.records import Records

MOST_PICTURES = 500
"""More would hold up the training, and change the figure little."""

Find = Callable[[NDArray[np.uint8]], Detections]
"""Pixels uint8 [height, width, 3] of the network's size -> what is in them."""


@dataclass(slots=True)
class _Framed:
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    classes: list[NDArray[np.int64]] = field(default_factory=list)


def measured(find: Find, records: Records, framing: Framing, labels: Labels) -> float:
    """The mean average precision at an IoU of 0.5, on the first pictures of `records`."""
    truth, found = _Framed(), []
    for at in tqdm(range(min(len(records.places), MOST_PICTURES)), desc="detecting", unit="picture", leave=False):
        pixels, boxes = framing.framed(records.image(at), records.boxes[at])
        truth.boxes.append(boxes)
        truth.classes.append(records.classes[at])
        found.append(find(pixels))
    return map_50(truth, found, labels)
