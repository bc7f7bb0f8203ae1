"""Boxes -> what each cell of the network should have said (TTFNet, arXiv:1909.00700, section 3)."""

import numpy as np
from numpy.typing import NDArray

from models.object_detection.network import GRID, STRIDE_PX
from models.object_detection.shapes import KINDS

Float32 = NDArray[np.float32]

CHANNELS = len(KINDS) + 5
"""Heat of each kind, then left, top, right, bottom in pixels, then how much the cell's box counts."""

_SPREAD = 0.54 / 6  # the paper's alpha: standard deviation of an object's heat, over the side of its box
_LEAST_DISTANCE_PX = 1.0
_CENTRES_PX = (np.arange(GRID, dtype=np.float32) + 0.5) * STRIDE_PX


def encode(boxes: Float32, classes: NDArray[np.int64]) -> Float32:
    """The target [32, 32, kinds + 5] of a scene's boxes [k, 4] and classes [k]; where two meet, the smaller wins."""
    target = np.zeros((GRID, GRID, CHANNELS), np.float32)
    pixels = boxes * (GRID * STRIDE_PX)
    areas = (pixels[:, 2] - pixels[:, 0]) * (pixels[:, 3] - pixels[:, 1])
    for at in np.argsort(-areas, kind="stable"):
        heat = _heat(pixels[at])
        kind = int(classes[at]) - 1
        target[..., kind] = np.maximum(target[..., kind], heat)
        owned = heat > 0.1
        target[owned, len(KINDS) : -1] = _distances(pixels[at])[owned]
        target[owned, -1] = heat[owned] / heat[owned].sum()
    return target


def _heat(box: Float32) -> Float32:
    """1 in the cell that holds the middle of the box, less around it."""
    ymin, xmin, ymax, xmax = box
    row, column = (min(GRID - 1, int((low + high) / 2 / STRIDE_PX)) for low, high in ((ymin, ymax), (xmin, xmax)))
    cells = np.arange(GRID, dtype=np.float32)
    down = ((cells - row) * STRIDE_PX / (_SPREAD * (ymax - ymin))) ** 2
    across = ((cells - column) * STRIDE_PX / (_SPREAD * (xmax - xmin))) ** 2
    heat: Float32 = np.exp(-(down[:, None] + across[None, :]) / 2)
    return heat


def _distances(box: Float32) -> Float32:
    """From each cell's centre to the left, top, right and bottom of the box, in pixels."""
    ymin, xmin, ymax, xmax = box
    x, y = np.broadcast_arrays(_CENTRES_PX[None, :], _CENTRES_PX[:, None])
    distances: Float32 = np.stack([x - xmin, y - ymin, xmax - x, ymax - y], axis=-1)
    return np.maximum(distances, _LEAST_DISTANCE_PX)
