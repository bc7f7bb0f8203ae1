"""Boxes -> what each cell of the network should have said (TTFNet, arXiv:1909.00700, section 3)."""

import numpy as np
from numpy.typing import NDArray

from models.object_detection.geometry import STRIDE_PX, Geometry

Float32 = NDArray[np.float32]

_SPREAD = 0.54 / 6  # the paper's alpha: standard deviation of an object's heat, over the side of its box
_LEAST_DISTANCE_PX = 1.0


def encode(boxes: Float32, classes: NDArray[np.int64], geometry: Geometry) -> Float32:
    """The target [rows, columns, classes + 5] of a picture's boxes [k, 4] and classes [k], which count from 1.

    Heat of each class, then left, top, right, bottom in pixels, then how much the cell's box counts; where two meet,
    the smaller one wins.
    """
    target = np.zeros((*geometry.grid, geometry.classes + 5), np.float32)
    pixels = boxes * np.array(geometry.scale_px, np.float32)
    areas = (pixels[:, 2] - pixels[:, 0]) * (pixels[:, 3] - pixels[:, 1])
    for at in np.argsort(-areas, kind="stable"):
        heat = _heat(pixels[at], geometry.grid)
        kind = int(classes[at]) - 1
        target[..., kind] = np.maximum(target[..., kind], heat)
        owned = heat > 0.1
        target[owned, -5:-1] = _distances(pixels[at], geometry.grid)[owned]
        target[owned, -1] = heat[owned] / heat[owned].sum()
    return target


def _heat(box: Float32, grid: tuple[int, int]) -> Float32:
    """1 in the cell that holds the middle of the box, less around it."""
    ymin, xmin, ymax, xmax = box
    down, across = (
        ((np.arange(cells, dtype=np.float32) - min(cells - 1, int((low + high) / 2 / STRIDE_PX))) * STRIDE_PX)
        / (_SPREAD * (high - low))
        for cells, low, high in zip(grid, (ymin, xmin), (ymax, xmax), strict=True)
    )
    heat: Float32 = np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / 2)
    return heat


def _distances(box: Float32, grid: tuple[int, int]) -> Float32:
    """From each cell's centre to the left, top, right and bottom of the box, in pixels."""
    ymin, xmin, ymax, xmax = box
    down, across = ((np.arange(cells, dtype=np.float32) + 0.5) * STRIDE_PX for cells in grid)
    x, y = np.broadcast_arrays(across[None, :], down[:, None])
    distances: Float32 = np.stack([x - xmin, y - ymin, xmax - x, ymax - y], axis=-1)
    return np.maximum(distances, _LEAST_DISTANCE_PX)
