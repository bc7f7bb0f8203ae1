"""Photographs of 12 megapixels, as a telephone takes them, and files that are none."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

SIDE_PX = 4000, 3000


def photograph(folder: Path) -> Path:
    """Gradients and shapes: 12 megapixels in less than any endpoint's limit."""
    return _written(folder / "photograph.jpg", _scene(), quality=90)


def large_photograph(folder: Path) -> Path:
    """The same with a sensor's noise: more bytes than API Gateway takes."""
    noise = Image.effect_noise(SIDE_PX, 40).convert("RGB")
    return _written(folder / "large.jpg", Image.blend(_scene(), noise, 0.3), quality=96)


def damaged(folder: Path) -> Path:
    """Begins as a JPEG does, and is none."""
    file = folder / "damaged.jpg"
    file.write_bytes(b"\xff\xd8\xff\xe0 nothing that decodes")
    return file


def _scene() -> Image.Image:
    across, down = Image.linear_gradient("L").rotate(90), Image.linear_gradient("L")
    bands = [band.resize(SIDE_PX) for band in (across, down, Image.radial_gradient("L"))]
    scene = Image.merge("RGB", bands)
    draw = ImageDraw.Draw(scene)
    for at in range(40):
        x, y = at * 97 % 3600, at * 61 % 2600
        draw.ellipse((x, y, x + 300, y + 300), fill=(at * 6, 255 - at * 5, at * 37 % 255), outline="white", width=9)
    return scene


def _written(file: Path, picture: Image.Image, quality: int) -> Path:
    held = BytesIO()
    picture.save(held, "JPEG", quality=quality)
    file.write_bytes(held.getvalue())
    return file
