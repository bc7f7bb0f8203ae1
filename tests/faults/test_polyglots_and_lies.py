"""Files that are two things at once, and types that are not what they say: decided by the first bytes, once."""

import base64
import io
import json
import struct
import zipfile
import zlib

import pytest

from tests.containers.pictures import BLUE, GREEN, RED, animated, encoded, solid
from tests.faults.fault_requests import MIB, ask, head, outcome, unharmed

MEMORY = 8 * MIB  # every file here is smaller than 100 kB
UNSUPPORTED = (415, "UNSUPPORTED_MEDIA_TYPE")
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PICTURES = {kind: encoded(solid(RED), kind) for kind in TYPES}
GREEN_JPEG, BLUE_PNG = encoded(solid(GREEN), "JPEG"), encoded(solid(BLUE), "PNG")
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
SVG = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><text>&x;</text></svg>"""


@pytest.fixture(autouse=True, scope="module")
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def best(reply) -> str:
    assert reply.status == 200, reply.response.text
    return next(iter(reply.scores()))


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("../../etc/cron.d/x", "x")
    return out.getvalue()


BEHIND = {
    "ZIP": archive(),
    "HTML": b"<html><script>alert(1)</script></html>",
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "PHP": b"<?php system($_GET['x']); ?>",
    "another JPEG": GREEN_JPEG,
    "another PNG": BLUE_PNG,
    "zeros": bytes(1000),
}
BEFORE = {
    "GIF": encoded(solid(), "GIF")[:13],
    "a space": b" ",
    "a line end": b"\r\n",
    "a byte order mark": b"\xef\xbb\xbf",
    "ZIP": archive(),
    "PDF": b"%PDF-1.7\n",
    "BMP": encoded(solid(), "BMP")[:54],
    "HEIC": HEIC[:24],
}


@pytest.mark.parametrize("called", TYPES)
@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_called_another_kind_is_refused(server, kind, called):
    expected = (200, None) if kind == called else UNSUPPORTED
    assert outcome(server.predict(PICTURES[kind], TYPES[called])) == expected


@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_called_json_is_no_json_and_json_called_a_picture_no_picture(server, kind):
    assert outcome(server.predict(PICTURES[kind], "application/json")) == (400, "MALFORMED_JSON")
    request = json.dumps({"image": base64.b64encode(PICTURES[kind]).decode()}).encode()
    assert outcome(server.predict(request, TYPES[kind])) == UNSUPPORTED


@pytest.mark.parametrize("what", BEHIND)
@pytest.mark.parametrize("kind", TYPES)
def test_what_follows_a_picture_is_not_looked_at(server, kind, what):
    reply = server.predict(PICTURES[kind] + BEHIND[what], TYPES[kind])
    assert reply.json() == server.predict(PICTURES[kind], TYPES[kind]).json()


@pytest.mark.parametrize("what", BEFORE)
@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_behind_something_else_is_refused(server, kind, what):
    for called in TYPES.values():
        assert outcome(server.predict(BEFORE[what] + PICTURES[kind], called)) == UNSUPPORTED


@pytest.mark.parametrize(
    "hidden", [GREEN_JPEG, encoded(solid(GREEN), "GIF"), archive(), SVG], ids=["JPEG", "GIF", "ZIP", "SVG"]
)
def test_a_file_behind_the_signature_of_another_kind_is_damaged(server, hidden):
    for kind, length in (("JPEG", 4), ("PNG", 8), ("WEBP", 16)):
        status, code = outcome(server.predict(PICTURES[kind][:length] + hidden, TYPES[kind]))
        assert (status, code.partition("_")[0]) == (422, "IMAGE"), kind


@pytest.mark.parametrize("chunk", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"prVt"])
def test_a_jpeg_inside_a_chunk_of_a_png_is_not_the_picture(server, chunk):
    content = b"Comment\0" + GREEN_JPEG
    hidden = struct.pack(">I", len(content)) + chunk + content + struct.pack(">I", zlib.crc32(chunk + content))
    reply = server.predict(BLUE_PNG[:33] + hidden + BLUE_PNG[33:], "image/png")
    assert reply.status == 422 or best(reply) == "blue"


def test_a_jpeg_inside_the_exif_of_another_is_not_the_picture(server):
    body = PICTURES["JPEG"]
    preview = b"\xff\xe1" + (2 + 6 + len(GREEN_JPEG)).to_bytes(2, "big") + b"Exif\0\0" + GREEN_JPEG
    assert best(server.predict(body[:2] + preview + body[2:])) == "red"


def test_of_a_phones_two_pictures_the_first_counts(server):
    several = animated("MPO")
    assert best(server.predict(several, "image/jpeg")) == "red"
    assert outcome(server.predict(several, "image/mpo")) == UNSUPPORTED


@pytest.mark.parametrize(
    ("body", "media_type"), [(SVG, "image/svg+xml"), (HEIC, "image/heic"), (HEIC, "image/heif"), (HEIC, "video/mp4")]
)
def test_pictures_of_other_kinds_are_refused_under_every_name(server, body, media_type):
    for called in (media_type, *TYPES.values()):
        assert outcome(server.predict(body, called)) == UNSUPPORTED
    assert outcome(server.predict_json({"image": base64.b64encode(body).decode()})) == UNSUPPORTED


@pytest.mark.parametrize(
    "spelled",
    ["IMAGE/JPEG", "image/jpg", "Image/Jpeg; charset=utf-8", "image/jpeg ;q=1", "image/jpeg;", 'image/jpeg; a="b;c"'],
)
def test_a_type_may_be_spelled_and_qualified_as_http_allows(server, spelled):
    assert outcome(server.predict(PICTURES["JPEG"], spelled)) == (200, None)


@pytest.mark.parametrize(
    "spelled",
    [
        "image/jpeg, image/png",
        "image/*",
        "*/*",
        "image",
        "jpeg",
        "image/jpeg image/png",
        "image /jpeg",
        "image/jpeg/png",
        "image\\jpeg",
        "image/jpegx",
        "ximage/jpeg",
        ";image/jpeg",
        "image/jpeg%00",
        '"image/jpeg"',
        "null",
        "x" * 4000,
    ],
)
def test_a_type_that_is_none_is_refused(server, spelled):
    assert outcome(server.predict(PICTURES["JPEG"], spelled)) == UNSUPPORTED


@pytest.mark.parametrize(
    "names", [("image/jpeg", "image/png"), ("image/png", "image/jpeg"), ("text/plain", "image/png")]
)
def test_of_two_types_neither_lets_a_picture_through_that_it_does_not_name(server, names):
    """Whichever of the two counts, a WebP is neither."""
    lines = [f"Content-Type: {name}" for name in names]
    body = PICTURES["WEBP"]
    answer = ask(server, head(*lines, f"Content-Length: {len(body)}"), body)
    assert (answer.status, answer.code) in {UNSUPPORTED, (400, "BAD_HTTP_REQUEST")}
