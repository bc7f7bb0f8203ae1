"""The 54 landmarks of a frame in SPOTER's order, and the reading of a list of them that a client sent.

A coordinate is a fraction of the picture's width or height; a landmark whose x is 0 was not found.
"""

import numpy as np
from numpy.typing import NDArray

from contract.errors import InvalidKeypoints
from contract.limits import VIDEOS

Landmarks = NDArray[np.float32]
"""(frames, 54, 2)"""

BODY = (
    *("nose", "neck", "rightEye", "leftEye", "rightEar", "leftEar"),
    *("rightShoulder", "leftShoulder", "rightElbow", "leftElbow", "rightWrist", "leftWrist"),
)
FINGERS = ("index", "middle", "ring", "little")
HAND = (
    "wrist",
    *(f"{finger}{joint}" for finger in FINGERS for joint in ("Tip", "DIP", "PIP", "MCP")),
    *("thumbTip", "thumbIP", "thumbMP", "thumbCMC"),
)
LEFT_HAND = slice(len(BODY), len(BODY) + len(HAND))
RIGHT_HAND = slice(LEFT_HAND.stop, LEFT_HAND.stop + len(HAND))
COUNT = RIGHT_HAND.stop

FARTHEST = 1e6  # pixels of any camera are less; more would overflow inside a network of 32-bit floats


def read_keypoints(given: object) -> Landmarks:
    """`keypoints_list` as frames x 54 x 2, whichever of the two layouts it has. Raises InvalidKeypoints."""
    if not isinstance(given, list) or not 1 <= len(given) <= VIDEOS.max_frames:
        raise _refusal()
    if not all(isinstance(frame, list) and frame and all(isinstance(row, list) for row in frame) for frame in given):
        raise _refusal()
    shapes = {(len(frame), len(row)) for frame in given for row in frame}
    if shapes not in ({(COUNT, 2)}, {(2, COUNT)}):
        raise _refusal()
    if not all(_is_coordinate(number) for frame in given for row in frame for number in row):
        raise _refusal()
    landmarks = np.array(given, np.float32)
    return landmarks if shapes == {(COUNT, 2)} else landmarks.transpose(0, 2, 1)


def _is_coordinate(number: object) -> bool:
    return type(number) in (int, float) and abs(number) <= FARTHEST  # type: ignore[arg-type]  # NaN is not below it


def _refusal() -> InvalidKeypoints:
    return InvalidKeypoints(max_frames=VIDEOS.max_frames)
