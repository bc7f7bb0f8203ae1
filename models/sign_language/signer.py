"""Who signs, how, and before which camera: everything that differs between two clips of one sign."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ASPECTS = (16 / 9, 4 / 3, 1.0, 3 / 4, 9 / 16)  # width / height of a picture


@dataclass(frozen=True, slots=True)
class Signer:
    """Lengths are in distances between the shoulders, angles in radians."""

    upper_arm: float
    forearm: float
    hand: float
    head: float
    head_tilt: float
    amplitude: float
    carelessness: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Signer":
        """One of the people that there may be."""
        size = rng.normal(1, 0.06)
        return cls(
            upper_arm=0.85 * size * rng.normal(1, 0.03),
            forearm=0.76 * size * rng.normal(1, 0.03),
            hand=0.5 * size * rng.normal(1, 0.06),
            head=rng.normal(1, 0.08),
            head_tilt=rng.normal(0, 0.1),
            amplitude=rng.uniform(0.75, 1.3),
            carelessness=rng.uniform(0.5, 1.5),
        )

    def face(self, rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
        """Nose, eyes and ears, right ones first, (frames, 5, 3), x to the signer's right."""
        at_rest = np.array([(0, 0.62, 0.42), (0.12, 0.78, 0.3), (-0.12, 0.78, 0.3), (0.27, 0.7, 0), (-0.27, 0.7, 0)])
        turn, nod = rng.normal(0, 0.15), rng.normal(0, 0.05) + 0.05 * np.sin(np.linspace(0, rng.uniform(1, 8), frames))
        x, y, z = (self.head * at_rest).T
        sideways = x * np.cos(turn) + z * np.sin(turn)
        height = y + z * nod[:, None]
        tilted = np.cos(self.head_tilt) * sideways - np.sin(self.head_tilt) * (height - 0.3)
        return np.stack([np.broadcast_to(tilted, height.shape), height, np.broadcast_to(z, height.shape)], axis=-1)


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the signer stands in the picture: `scale` is the distance between the shoulders, of its width."""

    aspect: float
    scale: float
    neck: tuple[float, float]
    turn: float
    lean: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Camera":
        """One of the views that there may be."""
        aspect = float(rng.choice(_ASPECTS))
        scale = rng.uniform(0.17, 0.3) / max(aspect, 0.8)
        return cls(
            aspect, scale, (rng.normal(0.5, 0.06), rng.uniform(0.36, 0.52)), rng.normal(0, 0.15), rng.normal(0, 0.04)
        )

    def see(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (…, 3), x to the signer's right, y up, z forwards -> (…, 2) as fractions of width and height."""
        x, y, z = np.moveaxis(points, -1, 0)
        sideways, nearer = x * np.cos(self.turn) + z * np.sin(self.turn), z * np.cos(self.turn) - x * np.sin(self.turn)
        grown = self.scale * 5 / (5 - nearer)  # from five shoulder widths away
        right = (
            -(sideways * np.cos(self.lean) - y * np.sin(self.lean)) * grown
        )  # who faces us has the right at our left
        down = -(sideways * np.sin(self.lean) + y * np.cos(self.lean)) * grown * self.aspect
        return np.stack([self.neck[0] + right, self.neck[1] + down], axis=-1)
