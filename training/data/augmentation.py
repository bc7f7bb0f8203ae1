"""How a picture is changed each time that it is learnt from, so that a network does not learn it by heart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What leaves a label as it is differs between models: an eye has no up or left, a face has."""

    mirror: bool = True
    turn_over: bool = False
    shift: float = 0.05
    """At most this share of the height and of the width; what comes in repeats the border."""
    brightness: float = 0.1
    """Times 1 - brightness to 1 + brightness."""

    def apply(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Another (height, width, 3) of the same label; `rng` alone decides how it is changed."""
        height, width, _ = pixels.shape
        mirrored, turned = rng.random(2) < 0.5
        down, right = (round(side * rng.uniform(-self.shift, self.shift)) for side in (height, width))
        rows = np.clip(np.arange(height) - down, 0, height - 1)
        columns = np.clip(np.arange(width) - right, 0, width - 1)
        if self.turn_over and turned:
            rows = rows[::-1]
        if self.mirror and mirrored:
            columns = columns[::-1]
        light = np.arange(256) * rng.uniform(1 - self.brightness, 1 + self.brightness)
        changed: Pixels = light.clip(0, 255).astype(np.uint8)[pixels[rows[:, None], columns]]
        return changed
