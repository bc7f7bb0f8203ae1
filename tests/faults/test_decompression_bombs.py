"""Small files that would become huge: by the size they announce, or by what their metadata unfolds to."""

import struct
import time
import zlib
from collections.abc import Iterable
from functools import cache

import pytest

from tests.containers.pictures import BLUE, RED, bomb, encoded, png, solid
from tests.faults.fault_requests import DEADLINE_S, MIB, outcome, peak_memory_below, unharmed

MEMORY = 48 * MIB  # what each of two threads keeps for the next picture, and two bodies of the largest size
HELD = 16 * MIB  # bodies of up to 0.3 MB, sent on and joined; one row of the bomb alone would be 6 kB, all of it 300 MB
HELD_UNFOLDED = 256 * MIB  # what a legal picture of the most pixels takes; metadata must not take more
LARGEST = 6_000_000  # bytes of a body, nearly as many as are accepted
TOO_MANY, UNDECODABLE = (422, "IMAGE_TOO_MANY_PIXELS"), (422, "IMAGE_UNDECODABLE")
JPEG, PNG, WEBP = (encoded(solid(RED), kind) for kind in ("JPEG", "PNG", "WEBP"))


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def jpeg_announcing(width: int, height: int, progressive: bool = False) -> bytes:
    body = encoded(solid(RED), "JPEG", progressive=progressive)
    at = body.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5  # ITU-T T.81, B.2.2: Lf, P, Y, X
    return body[:at] + struct.pack(">HH", height, width) + body[at + 4 :]


def png_announcing(width: int, height: int, depth: int = 8, colours: int = 2) -> bytes:
    return png(struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0), zlib.compress(bytes(10_000)))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    content = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(content)) + content


def vp8x(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def vp8(width: int, height: int) -> tuple[bytes, bytes]:
    data = WEBP[20:]
    return b"VP8 ", data[:6] + struct.pack("<HH", width, height) + data[10:]


def vp8l(width: int, height: int) -> tuple[bytes, bytes]:
    data = encoded(solid(RED), "WEBP", lossless=True)[20:]
    return b"VP8L", data[:1] + struct.pack("<I", width - 1 | (height - 1) << 14) + data[5:]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(chunks: Iterable[bytes]) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def segment(marker: int, data: bytes = b"") -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", 2 + len(data)) + data


def jpeg_with(segments: bytes) -> bytes:
    return JPEG[:2] + segments + JPEG[2:]


def exif(entries: int, size: int) -> bytes:
    """An image file directory whose every entry points at the same `size` bytes."""
    at = 8 + 2 + 12 * entries + 4
    tags = b"".join(struct.pack(">HHII", number, 1, size, at) for number in range(0x0112, 0x0112 + entries))
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", entries) + tags + bytes(4 + size)


@cache
def zeros(size: int) -> bytes:
    """`size` bytes, deflated to a thousandth."""
    squeeze = zlib.compressobj(9)
    return b"".join(squeeze.compress(bytes(MIB)) for _ in range(size // MIB)) + squeeze.flush()


def test_a_png_of_50_000_x_50_000_is_refused_from_its_header(server):
    body = bomb()
    with peak_memory_below(server, HELD):
        assert outcome(server.predict(body, "image/png")) == TOO_MANY


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (jpeg_announcing(65_000, 65_000), "image/jpeg"),
        (jpeg_announcing(65_535, 65_535), "image/jpeg"),
        (jpeg_announcing(65_000, 65_000, progressive=True), "image/jpeg"),
        (png_announcing(65_000, 65_000), "image/png"),
        (png_announcing(2**31 - 1, 2**31 - 1, 16, 6), "image/png"),
        (png_announcing(2**31 - 1, 8), "image/png"),
        (riff(vp8x(65_000, 65_000), vp8(65_000 & 0x3FFF, 65_000 & 0x3FFF)), "image/webp"),
        (riff(vp8x(2**24, 2**24), vp8(40, 30)), "image/webp"),
        (riff(vp8(16_383, 16_383)), "image/webp"),
        (riff(vp8l(16_384, 16_384)), "image/webp"),
    ],
    ids=["JPEG", "JPEG most", "progressive", "PNG", "PNG most", "PNG wide", "VP8X", "VP8X most", "VP8", "VP8L"],
)
def test_a_header_that_announces_too_many_pixels_is_enough(server, body, media_type):
    with peak_memory_below(server, HELD):
        assert outcome(server.predict(body, media_type)) == TOO_MANY


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (riff(vp8x(100, 100), vp8(16_383, 16_383)), "image/webp"),
        (riff(vp8x(100, 100, 0x10), vp8l(16_384, 16_384)), "image/webp"),
        (riff(vp8(40, 30), vp8(16_383, 16_383)), "image/webp"),
        (png_with([PNG[8:33].replace(struct.pack(">II", 40, 30), struct.pack(">II", 60_000, 60_000))]), "image/png"),
        (
            jpeg_with(JPEG[JPEG.index(b"\xff\xc0") :][:5] + struct.pack(">HH", 65_000, 65_000) + b"\3" + bytes(9)),
            "image/jpeg",
        ),
        (png(struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0), zeros(256 * MIB)), "image/png"),
    ],
    ids=["VP8X and VP8", "VP8X and VP8L", "two VP8", "two IHDR", "two SOF", "rows without end"],
)
def test_a_file_that_announces_few_pixels_and_holds_many_takes_no_more_memory_than_announced(server, body, media_type):
    with peak_memory_below(server, HELD):
        assert outcome(server.predict(body, media_type)) in {(200, None), TOO_MANY, UNDECODABLE}


UNFOLDING = {
    "zTXt": b"key\0\0",
    "iTXt": b"key\0\1\0\0\0",
    "iCCP": b"key\0\0",
}


@pytest.mark.parametrize("name", UNFOLDING)
def test_a_text_chunk_that_unfolds_to_many_megabytes_is_not_unfolded(server, name):
    body = png_with([chunk(name.encode(), UNFOLDING[name] + zeros(256 * MIB))])
    with peak_memory_below(server, HELD):
        assert outcome(server.predict(body, "image/png")) in {(200, None), UNDECODABLE}


@pytest.mark.parametrize("name", UNFOLDING)
def test_text_chunks_that_unfold_to_a_mebibyte_each_end_early(server, name):
    """With one character of four bytes in each, so that a str holds all others as such too."""
    text = zlib.compress("\U0001f600".encode() + bytes(MIB - 8), 9)
    start = UNFOLDING[name]
    body = png_with(chunk(name.encode(), start.replace(b"key", b"%d" % number) + text) for number in range(1000))
    started = time.monotonic()
    with peak_memory_below(server, HELD_UNFOLDED):
        assert outcome(server.predict(body, "image/png")) in {(200, None), UNDECODABLE}
    assert time.monotonic() - started < DEADLINE_S / 2


PIECES = {
    "empty chunks": (png_with([chunk(b"abCd", b"")] * (LARGEST // 12)), "image/png"),
    "empty IDAT": (png_with([chunk(b"IDAT", b"")] * (LARGEST // 12)), "image/png"),
    "texts": (png_with([chunk(b"tEXt", b"a\0b")] * (LARGEST // 15)), "image/png"),
    "comments": (jpeg_with(segment(0xFE) * (LARGEST // 4)), "image/jpeg"),
    "applications": (jpeg_with(segment(0xE5) * (LARGEST // 4)), "image/jpeg"),
    "filled markers": (jpeg_with(b"\xff" * LARGEST), "image/jpeg"),
    "tables": (jpeg_with(segment(0xDB, bytes([0, *range(1, 65)])) * (LARGEST // 69)), "image/jpeg"),
    "profiles": (jpeg_with(segment(0xE2, b"ICC_PROFILE\0\1\1") * (LARGEST // 18)), "image/jpeg"),
    "EXIF": (
        jpeg_with(segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 46 + segment(0xE1, b"Exif\0\0\0") * (LARGEST // 22)),
        "image/jpeg",
    ),
    "frames": (riff(vp8x(40, 30), *[(b"abCd", b"")] * (LARGEST // 8), (b"VP8 ", WEBP[20:])), "image/webp"),
}


@pytest.mark.parametrize("name", PIECES)
def test_a_file_of_as_many_pieces_as_fit_is_read_in_half_the_deadline(server, name):
    body, media_type = PIECES[name]
    started = time.monotonic()
    with peak_memory_below(server, HELD_UNFOLDED):
        assert outcome(server.predict(body, media_type)) in {(200, None), UNDECODABLE}
    assert time.monotonic() - started < DEADLINE_S / 2


def with_exif(kind: str, data: bytes) -> bytes:
    if kind == "JPEG":  # in segments of at most 64 kB, as Pillow puts them together again
        parts = (data[at : at + 65_000] for at in range(0, len(data), 65_000))
        plain = JPEG[:2] + JPEG[2 + 2 + int.from_bytes(JPEG[4:6]) :]  # without the JFIF segment, so EXIF is asked for
        return plain[:2] + b"".join(segment(0xE1, b"Exif\0\0" + part) for part in parts) + plain[2:]
    return png_with([chunk(b"eXIf", data)]) if kind == "PNG" else encoded(solid(RED), kind, exif=data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("entries", "size"),
    [(1, 5_500_000), (3000, 5_000_000), (60_000, 4_000_000), (60_000, 8)],
    ids=["one large entry", "entries over each other", "every entry over each other", "every entry"],
)
def test_a_huge_exif_is_passed_over(server, kind, entries, size):
    body = with_exif(kind, exif(entries, size))
    lines = len(server.log_lines())
    started = time.monotonic()
    with peak_memory_below(server, HELD_UNFOLDED / 4):
        assert outcome(server.predict(body, f"image/{kind.lower()}")) == (200, None)
    assert time.monotonic() - started < DEADLINE_S / 2
    assert len(server.log_lines()) - lines < 10


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("first", [0, 8, 0xFFFFFFFF], ids=["at its own header", "in a circle", "beyond the end"])
def test_an_exif_that_leads_nowhere_is_passed_over(server, kind, first):
    data = b"MM\0*" + struct.pack(">I", first) + struct.pack(">HHHII", 1, 0x8769, 4, 1, 8) + struct.pack(">I", 8)
    assert outcome(server.predict(with_exif(kind, data), f"image/{kind.lower()}")) == (200, None)


def test_the_picture_is_still_told_apart(server):
    assert next(iter(server.predict(encoded(solid(BLUE)), "image/png").scores())) == "blue"
