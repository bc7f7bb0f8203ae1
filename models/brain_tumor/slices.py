"""Draws one axial slice of a head, with a tumour or without. No slice shows a person."""

import numpy as np

from models.brain_tumor.head import draw_head
from models.brain_tumor.marks import draw_marks
from models.brain_tumor.scanner import Slice, scan
from models.brain_tumor.tissue import random_shades
from models.brain_tumor.tumour import draw_tumour

CLASSES = 2  # 0 without a tumour, 1 with one


def draw_slice(label: int, rng: np.random.Generator) -> Slice:
    """A greyscale slice, uint8 [128, 128], of class 0 (no tumour) or 1 (tumour)."""
    if label not in range(CLASSES):
        raise ValueError(f"label is {label}; a slice is 0, without a tumour, or 1, with one")
    shades = random_shades(rng)
    head = draw_head(shades, rng)
    draw_marks(head, shades, rng)
    in_head, in_scanner = rng.spawn(2)  # the same scan of the same head, with its tumour or without
    if label == 1:
        draw_tumour(head, shades, in_head)
    return scan(head.light, in_scanner)
