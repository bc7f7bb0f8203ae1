"""What an example looks like, small enough to stand in the page itself."""

import base64
import io
import json
from pathlib import Path

from PIL import Image, ImageOps

_SIDE_PX = 240
_QUALITY = 82
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
        return '<span class="unseen">no picture</span>'
    picture.thumbnail((_SIDE_PX, _SIDE_PX))
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=_QUALITY)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(stored.getvalue()).decode()}">'


def _landmarks(file: Path) -> str:
    """The landmarks of the frame in the middle of a clip, over the way of the hands through it."""
    frames = json.loads(file.read_bytes()).get("keypoints_list")
    if not frames or len(frames[0][0]) != 2:
        return '<span class="unseen">no picture</span>'
    way = [point for frame in frames for point in frame[_HANDS_FROM:]]
    middle = frames[len(frames) // 2]
    return f'<svg viewBox="0 0 1 1" class="landmarks">{_dots(way, "way", 0.004)}{_dots(middle, "point", 0.009)}</svg>'


def _dots(points: list[list[float]], kind: str, radius: float) -> str:
    """A landmark whose x is 0 was not found."""
    return "".join(f'<circle class="{kind}" cx="{x:.3f}" cy="{y:.3f}" r="{radius}"/>' for x, y in points if x)
