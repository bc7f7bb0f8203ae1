"""SPOTER's augmentations: what a camera or a signer could have done otherwise, and the sign would still be the same.

As in M. Boháček and M. Hrúz, "Sign Pose-Based Transformer for Word-Level Sign Language Recognition", WACV
Workshops 2022, 182-191, with the ranges of the published training. They act on landmarks as fractions of the picture,
before normalisation. Unlike there, a landmark that was not found stays so, and a hand goes where its arm goes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sign_language.keypoints import BODY, LEFT_HAND, RIGHT_HAND, Landmarks

Floats = NDArray[np.float64]

_CENTRE = 0.5
_ARMS = [
    ([BODY.index(joint) for joint in ("neck", f"{side}Shoulder", f"{side}Elbow", f"{side}Wrist")], hand)
    for side, hand in (("left", LEFT_HAND), ("right", RIGHT_HAND))
]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How often a clip is changed, in one of four ways, and how far at most.

    `rotation` and `joint_rotation` are radians to either side; `squeeze` is a share of the picture's width, on each
    side; `perspective` is the share that is cut from every edge of the side that turns away.
    """

    probability: float
    rotation: float
    squeeze: float
    perspective: float
    joint_rotation: float
    joint_probability: float

    def __call__(self, clip: Landmarks, rng: np.random.Generator) -> Landmarks:
        """`clip` (frames, 54, 2), or what it might have been; it is itself left alone."""
        if rng.random() >= self.probability:
            return clip
        found = clip[..., :1] != 0
        moved = self._ways[rng.integers(len(self._ways))](clip.astype(np.float64), rng)
        return np.where(found, moved, clip).astype(np.float32)

    @property
    def _ways(self) -> tuple[Callable[[Floats, np.random.Generator], Floats], ...]:
        return self._rotated, self._squeezed, self._tilted, self._with_joints_rotated

    def _rotated(self, clip: Floats, rng: np.random.Generator) -> Floats:
        return rotated(clip, np.full(2, _CENTRE), rng.uniform(-self.rotation, self.rotation))

    def _squeezed(self, clip: Floats, rng: np.random.Generator) -> Floats:
        return squeezed(clip, *rng.uniform(0, self.squeeze, 2))

    def _tilted(self, clip: Floats, rng: np.random.Generator) -> Floats:
        return tilted(clip, rng.uniform(0, self.perspective), is_right=bool(rng.random() < 0.5))

    def _with_joints_rotated(self, clip: Floats, rng: np.random.Generator) -> Floats:
        angles = rng.uniform(-self.joint_rotation, self.joint_rotation, (len(_ARMS), len(_ARMS[0][0]) - 1))
        return with_joints_rotated(clip, np.where(rng.random(angles.shape) < self.joint_probability, angles, 0))


def rotated(points: Floats, origin: Floats, angle: float) -> Floats:
    """`points` (…, 2), turned in the picture's plane by `angle` radians around `origin`."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turned: Floats = origin + (points - origin) @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def squeezed(points: Floats, left: float, right: float) -> Floats:
    """`points` (…, 2) in a picture that lost these shares of its width at its sides; the heights stay."""
    return np.stack([left + points[..., 0] * (1 - left - right), points[..., 1]], axis=-1)


def tilted(points: Floats, share: float, *, is_right: bool) -> Floats:
    """`points` (…, 2) in a picture whose right or left side turned away: `share` (below 0.5) of it is cut from there.

    The projection that takes the unit square to the trapezium that is left, with the edge of the other side in place.
    What lies outside the picture is as far away as its edge: nothing comes near the horizon.
    """
    away = points[..., 0] if is_right else 1 - points[..., 0]
    nearness = 1 - 2 * share * (1 - away.clip(0, 1))
    along = (1 - share) * away / nearness
    y = _CENTRE + (points[..., 1] - _CENTRE) * (1 - 2 * share) / nearness
    return np.stack([along if is_right else 1 - along, y], axis=-1)


def with_joints_rotated(clip: Floats, angles: Floats) -> Floats:
    """`clip` (frames, 54, 2) with each arm turned, in turn, around neck, shoulder and elbow by `angles` (2, 3) radians.

    The left arm first; a joint takes along all that hangs on it, the hand too, so that no bone changes its length.
    A joint that was not found in a frame turns nothing there.
    """
    turned = clip.copy()
    for (chain, hand), turns in zip(_ARMS, angles, strict=True):
        for number, angle in enumerate(turns):
            hanging = [*chain[number + 1 :], *range(hand.start, hand.stop)]
            origin = turned[:, [chain[number]]]
            found = clip[:, [chain[number]], :1] != 0
            turned[:, hanging] = np.where(found, rotated(turned[:, hanging], origin, angle), turned[:, hanging])
    return turned
