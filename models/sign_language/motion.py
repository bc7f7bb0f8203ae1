"""The path of one hand through a clip: lifted, through the holds of a sign in its signer's way, and lowered again.

A hold is a row of 15 numbers here: place, pointing, palm (three each), how far five fingers are bent, their spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.sign_language.signer import Signer
from models.sign_language.signs import AT_REST, Hold
from models.sign_language.skeleton import Floats, unit

PLACE, POINTING, PALM, BENT, SPREAD = slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 14), 14
_WIDTH = 15
_OFF = np.repeat([0.12, 0.25, 0.12, 0.08], [3, 6, 5, 1])  # how far a whole sign is off, in the numbers of a hold
_ROUGH = 0.02  # how far each of its holds is off besides
_SMOOTHNESS, _STIFFEST, _SOFTEST = 0.22, 0.4, 2.0  # of the shortest way between two holds; at least, at most, in frames


def as_signed(holds: Sequence[Hold], signer: Signer, rng: np.random.Generator) -> Floats:
    """The holds (n, 15) as this signer means them: stretched, and all off in the same way."""
    off = signer.carelessness * rng.normal(0, 1, _WIDTH) * _OFF
    rows = np.array([_row(hold) for hold in holds], float)
    rows[:, POINTING] = unit(rows[:, POINTING])
    middle = rows[:, PLACE].mean(axis=0)
    rows[:, PLACE] = middle + signer.amplitude * (rows[:, PLACE] - middle)
    meant: Floats = rows + off
    return meant


def _row(hold: Hold) -> list[float]:
    return [*hold.place, *hold.pointing, *hold.palm, *hold.shape.bent, hold.shape.spread]


@dataclass(frozen=True, slots=True)
class Timing:
    """When both hands are up, as shares of the clip; it may begin or end with them up."""

    frames: int
    lifted: float
    lowered: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, frames: int) -> "Timing":
        """One of the ways to cut a clip out of a longer one."""
        starts_low, ends_low = (bool(rng.random() < 0.75) for _ in range(2))
        lifted, lowered = rng.uniform(0.1, 0.28), 1 - rng.uniform(0.08, 0.25)
        return cls(frames, lifted if starts_low else 0.0, lowered if ends_low else 1.0)

    def path(self, holds: Floats, rng: np.random.Generator) -> Floats:
        """From hold to hold, (n, 15) to (frames, 15)."""
        rest = np.array(_row(AT_REST)) + rng.normal(0, 0.08, _WIDTH)
        steps = np.cumsum(rng.uniform(0.75, 1.25, len(holds)))
        inner = self.lifted + (self.lowered - self.lifted) * (steps - steps[0]) / max(steps[-1] - steps[0], 1e-9)
        times, rows = list(inner), list(holds + rng.normal(0, 1, holds.shape) * _ROUGH)
        if len(holds) == 1:
            times, rows = [self.lifted, self.lowered], rows * 2
        if self.lifted > 0:
            times, rows = [0.0, *times], [rest, *rows]
        if self.lowered < 1:
            times, rows = [*times, 1.0], [*rows, rest]
        at = np.linspace(0, 1, self.frames)
        path = np.stack([np.interp(at, times, column) for column in np.array(rows).T], axis=-1)
        softness = _SMOOTHNESS * float(np.diff(times).min()) * self.frames
        smooth: Floats = gaussian_filter1d(path, min(max(softness, _STIFFEST), _SOFTEST), axis=0, mode="nearest")
        return smooth
