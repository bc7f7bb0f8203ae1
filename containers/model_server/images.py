"""Bytes of a JPEG, PNG or WebP file -> a picture in RGB, by one rule.

1.  Refused from the header, before a pixel is decoded: more than `IMAGES.max_pixels` pixels, a side below
    `IMAGES.min_side_px`, more than one frame. An MPO, as phones write for a JPEG with a preview, is its first picture.
2.  Turned upright as its EXIF orientation says (all eight); EXIF that cannot be read means upright.
3.  16 bits a channel become 8 by their upper byte: scaled, not clipped.
4.  Whatever is transparent, by alpha channel or palette, is laid on white.
5.  CMYK is inverted where the Adobe marker says that it was stored so. No colour profile is applied.
6.  Grey and 1-bit pictures become RGB with three equal channels.
7.  A JPEG much larger than what is needed of it is decoded at 1/2, 1/4 or 1/8 of its size: the inverse cosine
    transform gives the smaller picture directly, and a photograph of 12 megapixels takes half the time.

Pillow's plugins are opened directly instead of by Image.open, whose pixel limit is a module global that
warns through a module global. Nothing here changes what another user of Pillow in the process would see.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from contract.errors import (
    ApiError,
    ImageAnimated,
    ImageTooManyPixels,
    ImageTooSmall,
    ImageUndecodable,
    Overloaded,
)
from contract.limits import IMAGES
from contract.media import sniff

_PLUGINS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "image/jpeg": JpegImageFile,
    "image/png": PngImageFile,
    "image/webp": WebPImageFile,
}
_ORIENTATION = 0x0112  # EXIF 2.3, 4.6.4, tag 274
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_JPEG_SCALES = (8, 4, 2)
_SCAN, _APP1 = b"\xff\xda", b"\xff\xe1"
_MAX_JPEG_SCANS = 200  # a progressive photograph has about ten; a crafted one keeps a thread busy for hours
_MAX_PNG_ITXT = 8  # XMP takes one; each may unfold to a mebibyte of text, and that to four in memory
_MAX_JPEG_APP1 = 256  # one for EXIF and some for XMP are usual; Pillow's time grows with their square


def decode_image(body: bytes, min_side_px: int | None = None) -> Image.Image:
    """The picture in `body`, upright, in mode RGB; a JPEG scaled down while neither side falls below `min_side_px`.

    Raises ImageUndecodable, ImageTooManyPixels, ImageTooSmall, ImageAnimated; Overloaded when memory is short.
    """
    try:
        file = _open(body)
        if min_side_px is not None:
            _reduce(file, min_side_px)
        image: Image.Image = file
        image.load()
        image = _upright(image)  # the same name, so that memory holds two copies of a large picture and not three
        return _as_rgb(image)
    except ApiError:
        raise
    except MemoryError as error:
        raise Overloaded from error
    except Exception as error:  # Pillow raises SyntaxError, struct.error, zlib.error … for a damaged file
        raise ImageUndecodable from error


def picture_size(body: bytes) -> tuple[int, int]:
    """Width and height of the picture in `body` as it was stored, in pixels, from its header. Raises as above."""
    try:
        return _open(body).size
    except ApiError:
        raise
    except Exception as error:
        raise ImageUndecodable from error


def _open(body: bytes) -> ImageFile.ImageFile:
    kind = sniff(body)
    if kind not in _PLUGINS:
        raise ImageUndecodable
    if kind == "image/webp":
        _check_size(*_webp_size(body))  # its decoder allocates the canvas when it is created
    if kind == "image/jpeg" and (_count(body, _SCAN) > _MAX_JPEG_SCANS or _count(body, _APP1) > _MAX_JPEG_APP1):
        raise ImageUndecodable
    if kind == "image/png" and body.count(b"iTXt") > _MAX_PNG_ITXT:
        raise ImageUndecodable
    image = _PLUGINS[kind](BytesIO(body))
    _check_size(*image.size)
    if getattr(image, "is_animated", False):
        raise ImageAnimated
    return image


def _count(body: bytes, marker: bytes) -> int:
    """How often the two bytes of `marker` stand in `body`; six times as fast as bytes.count."""
    pairs = (np.frombuffer(body, "<u2", (len(body) - start) // 2, start) for start in (0, 1))
    return sum(int(np.count_nonzero(pair == int.from_bytes(marker, "little"))) for pair in pairs)


def _reduce(file: ImageFile.ImageFile, min_side_px: int) -> None:
    """Has a JPEG decoded at the smallest scale that divides both sides: with a part of a pixel left it would shift."""
    width, height = file.size
    for scale in _JPEG_SCALES:
        if not (width % scale or height % scale) and min(width, height) >= scale * min_side_px:
            file.draft(None, (width // scale, height // scale))
            return


def _check_size(width: int, height: int) -> None:
    if width * height > IMAGES.max_pixels:
        raise ImageTooManyPixels(max_pixels=IMAGES.max_pixels)
    if min(width, height) < IMAGES.min_side_px:
        raise ImageTooSmall(min_side_px=IMAGES.min_side_px)


def _webp_size(body: bytes) -> tuple[int, int]:
    """Width and height from the first chunk (RFC 9649, sections 2.5 to 2.7)."""
    chunk = body[12:16]
    if len(body) >= 30 and chunk == b"VP8X":
        return int.from_bytes(body[24:27], "little") + 1, int.from_bytes(body[27:30], "little") + 1
    if len(body) >= 30 and chunk == b"VP8 ":
        return (int.from_bytes(body[26:28], "little") & 0x3FFF), (int.from_bytes(body[28:30], "little") & 0x3FFF)
    if len(body) >= 25 and chunk == b"VP8L":
        bits = int.from_bytes(body[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    raise ImageUndecodable


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # metadata is no reason to refuse a sound picture
        orientation = None
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info = image.info  # transparency and the Adobe marker
    return turned


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return _from_16_bits(image)
    if image.mode == "CMYK" and "adobe" not in image.info:
        image = image.point(lambda value: 255 - value)  # Pillow undoes Adobe's inversion without asking
    if image.has_transparency_data:
        if image.mode != "RGBA":
            image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image)
        return paper
    return image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    wide = np.asarray(image)
    grey = (wide >> 8).astype(np.uint8)
    if "transparency" in image.info:
        grey[wide == image.info["transparency"]] = 255
    return Image.fromarray(grey).convert("RGB")
