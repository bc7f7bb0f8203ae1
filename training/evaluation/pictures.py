"""What an example looks like, small enough to stand in the page itself."""

import base64
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageOps

_SIDE_PX = 240
_QUALITY = 82
_UNSEEN = '<span class="unseen">no picture</span>'
_HANDS_FROM = 12  # before them the body's landmarks, in SPOTER's order


def picture_of(file: Path) -> str:
    """An `<img>` of a picture, an `<svg>` of landmarks; for anything else a line that says so."""
    if file.suffix == ".json":
        return _landmarks(file)
    try:
        with Image.open(file) as opened:
            opened.draft("RGB", (_SIDE_PX, _SIDE_PX))
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError):
        return _UNSEEN
    picture.thumbnail((_SIDE_PX, _SIDE_PX))
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=_QUALITY)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(stored.getvalue()).decode()}">'


def _landmarks(file: Path) -> str:
    """The landmarks of the frame in the middle of a clip, over the way of the hands through it."""
    frames = json.loads(file.read_bytes()).get("keypoints_list")
    if not frames:
        return _UNSEEN
    each = [frame if len(frame[0]) == 2 else list(zip(*frame, strict=True)) for frame in frames]
    way = _there(point for frame in each for point in frame[_HANDS_FROM:])
    middle = _there(each[len(each) // 2])
    if not middle:
        return _UNSEEN
    across, down = zip(*way, *middle, strict=True)
    side = max(max(across) - min(across), max(down) - min(down)) * 1.1 or 1.0
    left, top = ((max(edge) + min(edge) - side) / 2 for edge in (across, down))
    dots = _dots(way, "way", side * 0.005) + _dots(middle, "point", side * 0.011)
    return f'<svg viewBox="{left:.4f} {top:.4f} {side:.4f} {side:.4f}" class="landmarks">{dots}</svg>'


def _there(points: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
    """Those that were found: a landmark that was not has an x of 0."""
    return [(x, y) for x, y in points if x]


def _dots(points: Iterable[tuple[float, float]], kind: str, radius: float) -> str:
    return "".join(f'<circle class="{kind}" cx="{x:.4f}" cy="{y:.4f}" r="{radius:.4f}"/>' for x, y in points)
