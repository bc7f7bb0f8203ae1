"""Writes the clips that the tests of sign_language send; run by that container's interpreter, where OpenCV is.

python -m tests.containers.sign_clips PHOTOGRAPH FOLDER
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from models.sign_language.make_clip import make_clip


def write_clips(photograph: Path, folder: Path) -> None:
    rng = np.random.default_rng(5)
    make_clip(photograph, folder / "person.webm")
    make_clip(photograph, folder / "person.mp4")
    _write(folder / "black.mp4", "mp4v", [np.zeros((96, 96, 3), np.uint8)] * 8)
    _write(folder / "noise.webm", "VP80", [rng.integers(0, 256, (96, 96, 3), dtype=np.uint8) for _ in range(8)])
    _write(folder / "long.mp4", "mp4v", [np.zeros((96, 96, 3), np.uint8)] * 30, frames_per_s=1)
    _write(folder / "long.webm", "VP80", [np.zeros((96, 96, 3), np.uint8)] * 30, frames_per_s=1)
    _write(folder / "large.mp4", "mp4v", [np.zeros((1200, 2000, 3), np.uint8)] * 2)
    _write(folder / "numbered.mp4", "mp4v", [np.full((32, 32, 3), number // 2, np.uint8) for number in range(480)])


def _write(file: Path, codec: str, frames: list[np.ndarray], frames_per_s: float = 25) -> None:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*codec), frames_per_s, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()


if __name__ == "__main__":
    write_clips(Path(sys.argv[1]), Path(sys.argv[2]))
