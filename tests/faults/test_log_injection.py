"""Nothing that a client sends gets into the log, to stderr, or into an answer, and no line of the log can be forged."""

import base64
import json
import struct
import time
import zlib

import pytest

from contract.options import HEADER
from tests.containers.pictures import BLACK, RED, encoded, solid
from tests.containers.server_process import serving
from tests.faults.fault_requests import GOOD, MIB, Answer, Connection, chunk, head, unharmed

MEMORY = 16 * MIB  # some hundred small requests
CANARY = "CANARY7f3a"
FORGED = f'{{"time": "2026-01-01", "level": "error", "message": "{CANARY}"}}'
EVIL = [
    CANARY,
    f"{CANARY}\r\n{FORGED}\r\n",
    f"\n{FORGED}\n",
    f"\x1b[2J\x1b[31m{CANARY}\x1b]0;{CANARY}\x07",
    f"%0d%0a{CANARY}%1b[31m",
    f"\\n{FORGED}\\u001b",
    f"\u2028{CANARY}\u2029\x85\x0b\x0c",
    f"${{jndi:ldap://{CANARY}}} %s%n%x {{0.__class__}} {{{CANARY}}}",
    f"<script>{CANARY}</script>\0",
]
_ALLOWED_IN_A_HEADER = dict.fromkeys(map(ord, "\r\n\0"), " ")


@pytest.fixture(scope="module")
def server(colours, logs):
    """One of its own, whose log holds nothing but what is tried here."""
    with serving(colours, logs / "injected.log") as started:
        yield started


@pytest.fixture(autouse=True)
def ends_well(server):
    before = len(server.log_lines())
    with unharmed(server, MEMORY):
        yield
    lines = server.log_lines()[before:]
    assert not [line for line in lines if line["level"] == "error" or "exception" in line]
    said = server.said()
    for secret in (
        CANARY,
        CANARY.encode().hex(),
        base64.b64encode(CANARY.encode()).decode()[:12],
        "\x1b",
        "\\u001b",
        "jndi",
    ):
        assert secret not in said, secret


def silent(reply) -> None:
    """Nothing of it comes back, in the body or in a header."""
    answer = reply if isinstance(reply, Answer) else Answer(reply.status, dict(reply.headers), reply.response.content)
    text = answer.body.decode() + repr(sorted(answer.headers.items()))
    assert CANARY not in text
    assert "\x1b" not in text
    assert answer.status < 500, text


def sent(server, *pieces: bytes) -> None:
    """As it is, over a connection of its own, with an answer or without."""
    with Connection(server) as connection:
        connection.send(pieces)
        try:
            answer = connection.answer(0.2)
        except TimeoutError:
            connection.says_no_more()
            answer = connection.answer()
    if answer is not None:
        silent(answer)


def lines_after(server, before: int, count: int) -> list[dict]:
    """What it wrote since then; at least `count` lines, or what came within a second."""
    deadline = time.monotonic() + 1
    while len(server.log_lines()) < before + count and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.log_lines()[before:]


def exif(text: bytes) -> bytes:
    """Every field that holds text: description, make, model, software, artist, copyright, comment."""
    tags = (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298, 0x9286)
    at = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack(">HHII", tag, 2, len(text), at) for tag in tags)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + entries + bytes(4) + text


def segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", 2 + len(data)) + data


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pictures_with(text: str) -> list[tuple[bytes, str]]:
    """Pictures, sound and damaged, with `text` in every place for a text, and in places for none."""
    raw = text.encode()
    plain = encoded(solid(BLACK))
    jpegs = [
        segment(0xE1, exif(raw)),
        segment(0xFE, raw),
        segment(0xE0, b"JFIF\0" + raw),
        segment(0xE2, b"ICC_PROFILE\0" + raw),
    ]
    jpegs += [segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + raw), segment(0xED, b"Photoshop 3.0\0" + raw)]
    jpegs += [segment(0xEE, b"Adobe" + raw), segment(0xDB, raw), segment(0xC4, raw), segment(0xE1, b"Exif\0\0" + raw)]
    texts = [
        png_chunk(b"tEXt", b"Comment\0" + raw),
        png_chunk(b"iTXt", b"Comment\0\0\0\0\0" + raw),
        png_chunk(b"teSt", raw),
    ]
    texts += [
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(raw)),
        png_chunk(b"eXIf", exif(raw)[6:]),
        png_chunk(b"tEXt", raw),
    ]
    texts += [png_chunk(b"iCCP", raw), png_chunk(b"gAMA", raw), png_chunk(b"pHYs", raw), png_chunk(raw[:4], raw), raw]
    pictures = [(GOOD[:2] + jpeg + GOOD[2:], "image/jpeg") for jpeg in jpegs]
    pictures += [(plain[:33] + chunk + plain[33:], "image/png") for chunk in texts]
    pictures += [(encoded(solid(RED), "WEBP", exif=exif(raw), xmp=raw, icc_profile=raw), "image/webp")]
    damaged = [(body[: len(body) // 2] + raw, media_type) for body, media_type in pictures[::5]]
    return [*pictures, *damaged, (raw, "image/jpeg"), (GOOD + raw, "image/jpeg"), (b"\xff\xd8\xff" + raw, "image/jpeg")]


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_nothing_out_of_a_picture_is_repeated(server, text):
    for body, media_type in pictures_with(text):
        silent(server.predict(body, media_type))


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_nothing_out_of_json_is_repeated(server, text):
    for value in (text, {text: text}, {"image": text}, {"image": base64.b64encode(GOOD).decode(), text: text}):
        silent(server.predict_json(value))
    for value in ({"instances": [text]}, {"url": text}, {"image": "", "top_k": text}, {"image": "", "threshold": text}):
        silent(server.predict_json(value))
    silent(server.predict(text.encode(), "application/json"))
    silent(server.predict(f'{{"{text}": '.encode(), "application/json"))


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_nothing_out_of_a_header_is_repeated(server, text):
    for value in (text.encode(), text.translate(_ALLOWED_IN_A_HEADER).encode()):
        for name in (
            b"User-Agent",
            b"Accept",
            b"Cookie",
            b"Referer",
            b"X-Forwarded-For",
            b"Authorization",
            b"Content-Encoding",
        ):
            sent(server, head(b"Content-Type: image/jpeg", name + b": " + value, f"Content-Length: {len(GOOD)}"), GOOD)
        sent(server, head(b"Content-Type: " + value, f"Content-Length: {len(GOOD)}"), GOOD)
        sent(server, head(b"Content-Type: image/jpeg", b"Content-Length: " + value), GOOD)
        sent(server, head(b"Content-Type: image/jpeg", b"Transfer-Encoding: " + value), GOOD)
        sent(server, head(b"Content-Type: image/jpeg", value + b": x", f"Content-Length: {len(GOOD)}"), GOOD)
        sent(server, head(b"Content-Type: image/jpeg", value, f"Content-Length: {len(GOOD)}"), GOOD)
        sent(server, b"GET /ping HTTP/1.1\r\nHost: " + value + b"\r\n\r\n")


@pytest.mark.parametrize("text", EVIL[1:], ids=repr)
@pytest.mark.parametrize("name", ["X-Request-Id", "X-Amzn-RequestId", "X-Amzn-Request-Id"])
def test_a_request_id_that_is_not_safe_is_replaced(server, name, text):
    value = text.translate(_ALLOWED_IN_A_HEADER).encode()
    sent(server, head(b"Content-Type: image/jpeg", name.encode() + b": " + value, f"Content-Length: {len(GOOD)}"), GOOD)
    attributes = HEADER.encode() + b": request_id=" + value + b",top_k=" + value + b"," + value + b"=1"
    sent(server, head(b"Content-Type: image/jpeg", attributes, f"Content-Length: {len(GOOD)}"), GOOD)


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_nothing_out_of_a_path_a_query_or_a_method_is_repeated(server, text):
    for raw in (text.encode(), text.translate(_ALLOWED_IN_A_HEADER).replace(" ", "%20").encode()):
        for start in (
            b"GET /%b HTTP/1.1",
            b"GET /ping?%b=%b HTTP/1.1",
            b"%b /ping HTTP/1.1",
            b"GET /ping %b",
            b"GET http://%b/ HTTP/1.1",
        ):
            sent(server, head(start=start.replace(b"%b", raw)))
        sent(server, head(start=b"POST /invocations/" + raw + b"?x=" + raw + b"#" + raw + b" HTTP/1.1"))


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_nothing_out_of_a_file_name_or_a_chunk_is_repeated(server, text):
    raw = text.encode()
    named = b'Content-Disposition: form-data; name="%b"; filename="%b"' % (raw, raw)
    form = b"--x\r\n" + named + b"\r\n\r\n" + GOOD + b"\r\n--x--\r\n"
    sent(server, head(b"Content-Type: multipart/form-data; boundary=x", f"Content-Length: {len(form)}"), form)
    sent(server, head(b"Content-Type: image/jpeg", named, f"Content-Length: {len(GOOD)}"), GOOD)
    chunked = head(b"Content-Type: image/jpeg", b"Transfer-Encoding: chunked")
    sent(server, chunked, raw + b"\r\n" + GOOD + b"\r\n0\r\n\r\n")
    sent(server, chunked, b"%x;%b\r\n%b\r\n0\r\n\r\n" % (len(GOOD), raw, GOOD))
    sent(server, chunked, chunk(GOOD), b"0\r\n" + raw + b": " + raw + b"\r\n\r\n")
    sent(server, raw)
    sent(server, raw + b"\r\n\r\n")


def test_a_picture_writes_no_lines_of_its_own(server):
    """Pillow warns of every odd tag; a picture with thousands of them is one request, and one line."""
    odd = b"".join(struct.pack(">HHII", 0x8000 + number, 2, 2_000_000 + number, 0) for number in range(5000))
    body = GOOD[:2] + segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 5000) + odd + bytes(4)) + GOOD[20:]
    before = len(server.log_lines())
    silent(server.predict(body))
    assert len(lines_after(server, before, 1)) == 1


def test_one_request_is_one_line_of_one_json_object(server):
    before = len(server.log_lines())
    replies = [server.predict(GOOD, user_agent=CANARY), server.predict(b"x"), server.predict_json({CANARY: CANARY})]
    lines = lines_after(server, before, len(replies))
    assert [line["request_id"] for line in lines] == [reply.headers["x-request-id"] for reply in replies]
    assert [(line["status"], line["code"]) for line in lines] == [
        (200, "OK"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (400, "INVALID_REQUEST"),
    ]
    assert all(json.dumps(line) for line in lines)
