"""Writes samples/astronaut.mp4: the view glides over a photograph of a person, towards her and back.

    PYTHONPATH=.:containers .venv/containers/sign_language/bin/python -m models.sign_language.make_clip PHOTOGRAPH OUT

It runs where OpenCV is, in the container's environment; scikit-image, which brings the photograph, is not there:
PHOTOGRAPH is skimage/data/astronaut.png of an environment that has it.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

FRAMES, FRAMES_PER_S = 25, 12.5
SIDE_PX = 256
_WIDEST_PX, _NARROWEST_PX = 512, 440  # of the photograph that are in view
_CODECS = {".mp4": "mp4v", ".webm": "VP80"}  # what OpenCV's wheel can write: MPEG-4 part 2, VP8


def make_clip(photograph: Path, out: Path) -> None:
    """Two seconds, in the format that the name of `out` asks for."""
    picture = cv2.imread(str(photograph))
    codec = cv2.VideoWriter.fourcc(*_CODECS[out.suffix])
    writer = cv2.VideoWriter(str(out), codec, FRAMES_PER_S, (SIDE_PX, SIDE_PX))
    for share in np.sin(np.linspace(0, np.pi, FRAMES)):
        side = _WIDEST_PX - share * (_WIDEST_PX - _NARROWEST_PX)
        left, top = 0.3 * (_WIDEST_PX - side), 0.1 * (_WIDEST_PX - side)
        scale = SIDE_PX / side
        view = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
        writer.write(cv2.warpAffine(picture, view, (SIDE_PX, SIDE_PX), flags=cv2.INTER_AREA))
    writer.release()


if __name__ == "__main__":
    make_clip(Path(sys.argv[1]), Path(sys.argv[2]))
