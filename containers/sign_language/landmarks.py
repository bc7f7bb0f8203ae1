"""RGB frames -> the 54 landmarks of each in SPOTER's order, by MediaPipe Holistic.

The packages `mediapipe` and `mediapipe.python.solutions` import everything that they offer, and with it jax,
matplotlib and sounddevice, which this container does without. Both are put in place unexecuted: a package is then
nothing but the folder in which its modules are found.
"""

import sys
from collections.abc import Iterable
from importlib.util import find_spec, module_from_spec
from typing import Any

import numpy as np

from contract.errors import NoPersonFound
from sign_language.keypoints import BODY, COUNT, FINGERS, LEFT_HAND, RIGHT_HAND, Landmarks
from sign_language.video import RgbFrame


def _put_in_place(package: str) -> None:
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    sys.modules.setdefault(package, module_from_spec(spec))


_put_in_place("mediapipe")
_put_in_place("mediapipe.python.solutions")

# Only by its name does protobuf know the options of this calculator; mediapipe's face_mesh would import it.
import mediapipe.calculators.util.landmarks_refinement_calculator_pb2  # noqa: E402, F401
from mediapipe.python.solutions.holistic import Holistic  # noqa: E402

# MediaPipe's numbers, in SPOTER's order. The neck is none of them: it is half way between the shoulders.
_NECK = BODY.index("neck")
_POSE = np.array([0, 0, 5, 2, 8, 7, 12, 11, 14, 13, 16, 15])
_SHOULDERS = [11, 12]
_HAND = np.array([0, *(tip - joint for tip in range(8, 8 + 4 * len(FINGERS), 4) for joint in range(4)), 4, 3, 2, 1])


def find_landmarks(frames: Iterable[RgbFrame]) -> Landmarks:
    """(frames, 54, 2) as fractions of the picture, 0 where nothing was found. Raises NoPersonFound."""
    with Holistic(model_complexity=1) as holistic:  # the only one whose model the wheel brings
        found = [_landmarks(holistic.process(frame)) for frame in frames]
    landmarks = np.stack(found) if found else np.zeros((0, COUNT, 2), np.float32)
    if not landmarks[:, : len(BODY)].any():
        raise NoPersonFound
    return landmarks


def _landmarks(result: Any) -> Landmarks:
    landmarks = np.zeros((COUNT, 2), np.float32)
    if result.pose_landmarks is not None:
        pose = _points(result.pose_landmarks)
        landmarks[: len(BODY)] = pose[_POSE]
        landmarks[_NECK] = pose[_SHOULDERS].mean(axis=0)
    for place, hand in ((LEFT_HAND, result.left_hand_landmarks), (RIGHT_HAND, result.right_hand_landmarks)):
        if hand is not None:
            landmarks[place] = _points(hand)[_HAND]
    return landmarks


def _points(found: Any) -> Landmarks:
    return np.array([(point.x, point.y) for point in found.landmark], np.float32)
