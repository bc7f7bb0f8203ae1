"""Drawn slices -> the network's input, by the numbers in model.toml that the server reads too."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.spec import read_spec

SPEC_FILE = Path(__file__).parent / "model.toml"


def prepare(slices: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Greyscale [n, height, width] -> float32 [n, 3, height, width], normalised; the size is taken as it is."""
    spec = read_spec(SPEC_FILE).input
    mean, std = (np.array(values, np.float32)[None, :, None, None] for values in (spec.mean, spec.std))
    prepared: NDArray[np.float32] = (slices[:, None].astype(np.float32) - mean) / std
    return prepared
