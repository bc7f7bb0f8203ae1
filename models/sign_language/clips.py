"""One drawn clip of one sign: 20 to 60 frames of 54 landmarks, as a pose estimator would report them.

A signer goes through the sign's holds, a camera sees it, and the estimator trembles and loses hands for some frames.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from models.sign_language.motion import BENT, PALM, PLACE, POINTING, SPREAD, Timing, as_signed
from models.sign_language.signer import Camera, Signer
from models.sign_language.signs import AT_REST, SIGNS, Sign
from models.sign_language.skeleton import KNUCKLES_FROM_WRIST, Floats, arm, hand, unit
from sign_language.keypoints import LEFT_HAND, RIGHT_HAND

GLOSSES = tuple(SIGNS)
FEWEST_FRAMES, MOST_FRAMES = 20, 60
_MIRROR = np.array([-1.0, 1.0, 1.0])
_LAG = 0.4  # how much of a careless left hand's own way a two-handed sign keeps


def draw_clip(label: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Landmarks (frames, 54, 2) of the sign `GLOSSES[label]`, not normalised."""
    if not 0 <= label < len(GLOSSES):
        raise ValueError(f"label is {label}; there are {len(GLOSSES)} signs, counted from 0")
    sign, signer, camera = SIGNS[GLOSSES[label]], Signer.drawn(rng), Camera.drawn(rng)
    frames = int(rng.integers(FEWEST_FRAMES, MOST_FRAMES + 1))
    both_hands = _both_hands(sign, signer, rng)
    timing = Timing.drawn(rng, frames)
    right, left = (_arm(timing.path(holds, rng), signer, rng) for holds in both_hands)
    seen = _seen(right, left * _MIRROR, signer.face(rng, frames), camera)
    return _estimated(seen, camera, rng, left_rests=not sign.left).astype(np.float32)


def _both_hands(sign: Sign, signer: Signer, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """What the right and the left hand go through, (holds, 15) each."""
    repeats = int(rng.integers(sign.repeats[0], sign.repeats[1] + 1))
    right = as_signed(sign.holds * repeats, signer, rng)
    if sign.left == sign.holds:
        return right, right + _LAG * (as_signed(sign.holds * repeats, signer, rng) - right)
    return right, as_signed(sign.left or (AT_REST,), signer, rng)


def _arm(path: Floats, signer: Signer, rng: np.random.Generator) -> Floats:
    """Elbow, wrist, then the hand's 21, (frames, 23, 3)."""
    pointing = unit(path[:, POINTING])
    wanted = path[:, PLACE] - KNUCKLES_FROM_WRIST * signer.hand * pointing
    elbow, wrist = arm(wanted, signer.upper_arm, signer.forearm)
    bent = (path[:, BENT] + rng.normal(0, 0.02, (len(path), 5))).clip(-0.1, 1.05)
    fingers = hand(pointing, path[:, PALM], bent, path[:, SPREAD])
    return np.concatenate([elbow[:, None], wrist[:, None], wrist[:, None] + signer.hand * fingers], axis=1)


def _seen(right: Floats, left: Floats, face: Floats, camera: Camera) -> Floats:
    """All landmarks (frames, 54, 2) in SPOTER's order, as fractions of the picture."""
    shoulders = np.ones((len(face), 1, 1)) * np.array([[0.5, 0, 0], [-0.5, 0, 0]])
    neck = shoulders.mean(axis=1, keepdims=True)
    elbows_and_wrists = [np.stack([right[:, part], left[:, part]], axis=1) for part in (0, 1)]
    body = [face[:, :1], neck, face[:, 1:], shoulders, *elbows_and_wrists]
    return camera.see(np.concatenate([*body, left[:, 2:], right[:, 2:]], axis=1))


def _estimated(seen: Floats, camera: Camera, rng: np.random.Generator, *, left_rests: bool) -> Floats:
    """What an estimator makes of it: trembling, a slow drift, hands that are lost or out of the picture."""
    frames = len(seen)
    shoulder_width = camera.scale * np.array([1, camera.aspect])
    tremble = rng.normal(0, 1, seen.shape) * rng.uniform(0.004, 0.02)
    drift = gaussian_filter1d(rng.normal(0, 1, seen.shape), 4, axis=0, mode="nearest") * rng.uniform(0.01, 0.04)
    landmarks: Floats = seen + (tremble + drift) * shoulder_width
    for part, rests in ((LEFT_HAND, left_rests), (RIGHT_HAND, False)):
        landmarks[seen[:, part, 1].mean(axis=1) > 1, part] = 0
        if rests and rng.random() < 0.6:
            landmarks[:, part] = 0
        for _ in range(int(rng.integers(0, 5))):
            start, length = int(rng.integers(0, frames)), int(rng.integers(1, frames // 4))
            landmarks[start : start + length, part] = 0
    if rng.random() < 0.03:
        start = int(rng.integers(0, frames))
        landmarks[start : start + 3] = 0
    return landmarks
