"""An MP4 or WebM clip -> RGB frames, one at a time, so that no more than one is ever in memory.

OpenCV's own FFmpeg reads it from a temporary file. What the header says is checked first and then not relied on: all
frames are counted before any is used, which costs little beside finding landmarks in them. The first bytes were looked
at before: they are of no format that would make FFmpeg open another file or address.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

from contract.errors import VideoTooLong, VideoUndecodable
from contract.limits import VIDEOS
from model_server.deadline import Deadline

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # both would write to stderr, and quote the file
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

RgbFrame = NDArray[np.uint8]
"""(height, width, 3)"""

_MOST_FRAMES_PER_S = 240
_CUT_SHORT_S = 0.2  # more than this missing at the end, and more than a tenth, is a clip cut short


def read_frames(body: bytes, deadline: Deadline) -> Iterator[RgbFrame]:
    """The clip's frames, at most VIDEOS.sampled_frames of them, spread evenly.

    Raises VideoUndecodable, VideoTooLong, ModelTimeout, the first two before the first frame.
    """
    with NamedTemporaryFile(suffix=".video") as file:
        file.write(body)
        file.flush()
        with _opened(file.name) as capture:
            frames = _checked_count(capture, deadline)
        wanted = set(np.linspace(0, frames - 1, min(frames, VIDEOS.sampled_frames)).round().astype(int).tolist())
        with _opened(file.name) as capture:
            for number in range(frames):
                deadline.check()
                if not capture.grab():
                    return
                if number in wanted:
                    yield _retrieved(capture)


@contextmanager
def _opened(path: str) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        if not capture.isOpened():
            raise VideoUndecodable
        yield capture
    except cv2.error as error:
        raise VideoUndecodable from error
    finally:
        capture.release()


def _checked_count(capture: cv2.VideoCapture, deadline: Deadline) -> int:
    """How many frames really can be decoded, of a clip that is within the limits and whole."""
    announced_s = _announced_duration_s(capture)
    pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if announced_s > VIDEOS.max_duration_s or pixels > VIDEOS.max_frame_pixels:
        raise _too_long()
    last_s = 0.0
    for frames in count():
        deadline.check()
        if not capture.grab():
            break
        last_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if last_s > VIDEOS.max_duration_s or frames >= VIDEOS.max_duration_s * _MOST_FRAMES_PER_S:
            raise _too_long()
    if frames == 0 or announced_s - last_s > max(_CUT_SHORT_S, announced_s / 10):
        raise VideoUndecodable
    return frames


def _announced_duration_s(capture: cv2.VideoCapture) -> float:
    """Seconds by the header; 0 when it does not say, as in WebM that a browser recorded."""
    frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return frames / rate if frames > 0 and 0 < rate < np.inf else 0.0


def _retrieved(capture: cv2.VideoCapture) -> RgbFrame:
    done, frame = capture.retrieve()
    if not done:
        raise VideoUndecodable
    rgb: RgbFrame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    return rgb


def _too_long() -> VideoTooLong:
    return VideoTooLong(max_duration_s=VIDEOS.max_duration_s, max_frame_pixels=VIDEOS.max_frame_pixels)
