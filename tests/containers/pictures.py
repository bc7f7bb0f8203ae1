"""Pictures for the tests, and damaged ones."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
_EXIF_ORIENTATION = 0x0112


def solid(colour=RED, size=(40, 30)) -> Image.Image:
    return Image.new("RGB", size, colour)


def encoded(image: Image.Image, format: str = "PNG", **more) -> bytes:
    out = BytesIO()
    image.save(out, format, **more)
    return out.getvalue()


def oriented(image: Image.Image, orientation: int, format: str) -> bytes:
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = orientation
    return encoded(image, format, exif=exif, **({"quality": 100, "subsampling": 0} if format == "JPEG" else {}))


def quarters(width=32, height=48) -> np.ndarray:
    """Four colours, so that every turn and flip shows: red, green over blue, white."""
    picture = np.empty((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    picture[:top, :left], picture[:top, left:] = RED, GREEN
    picture[top:, :left], picture[top:, left:] = BLUE, WHITE
    return picture


def bomb(side: int = 50_000) -> bytes:
    """A 1-bit PNG of side x side pixels in a few hundred kilobytes, valid to the last chunk."""
    deflate = zlib.compressobj(9)
    rows = bytes(1 + (side + 7) // 8) * 100
    data = b"".join(deflate.compress(rows) for _ in range(side // 100)) + deflate.flush()
    return png(struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0), data)


def png(header: bytes, data: bytes) -> bytes:
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def animated(format: str) -> bytes:
    return encoded(solid(RED), format, save_all=True, append_images=[solid(GREEN), solid(BLUE)])


def slow(count: int) -> list[bytes]:
    """Small files that take a tenth of a second or more each to decode."""
    return [encoded(solid(RED, (4000, 3000)))] * count
