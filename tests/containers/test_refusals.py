"""Every refusal that the server can reach, each followed by a good request that is still answered."""

import base64
import json
from collections.abc import Iterator

import pytest

from contract.limits import BODIES
from contract.options import HEADER
from tests.containers.pictures import BLACK, RED, WHITE, animated, bomb, encoded, oriented, solid

GOOD = encoded(solid(RED), "JPEG")
IMAGE = base64.b64encode(GOOD).decode()
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def a_good_request_still_succeeds(server):
    yield
    assert server.predict(GOOD).status == 200


def refused(reply) -> tuple[int, str | None]:
    assert reply.headers["content-type"] == "application/json"
    return reply.status, reply.code


def chunks(total: int) -> Iterator[bytes]:
    """A body of unannounced length."""
    for _ in range(0, total, MIB):
        yield b"\xff" * MIB


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "image/gif", "multipart/form-data; boundary=x", "x"])
def test_refuses_a_missing_or_unknown_content_type(server, content_type):
    reply = server.predict(GOOD, content_type)
    assert refused(reply) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "image/jpeg, image/png, image/webp, application/json" in reply.json()["error"]["message"]


def test_refuses_a_content_encoding(server):
    assert refused(server.predict(GOOD, content_encoding="gzip")) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("body", [encoded(solid(), "PNG"), encoded(solid(), "WEBP"), b"plain text", IMAGE.encode()])
def test_refuses_bytes_that_contradict_the_content_type(server, body):
    assert refused(server.predict(body, "image/jpeg")) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("inside", [encoded(solid(), "GIF"), encoded(solid(), "TIFF"), b"%PDF-1.7", b"<svg/>"])
def test_refuses_other_types_inside_json(server, inside):
    body = {"image": base64.b64encode(inside).decode()}
    assert refused(server.predict_json(body)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/json"])
def test_refuses_an_empty_body(server, content_type):
    assert refused(server.predict(b"", content_type)) == (400, "EMPTY_BODY")


def test_refuses_an_empty_image_inside_json(server):
    assert refused(server.predict_json({"image": ""})) == (400, "EMPTY_BODY")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe\x00",
        b'{"image": NaN}',
        b'{"image": -Infinity}',
        b'{"threshold": 1e999}',
        b'{"top_k": ' + b"9" * 5000 + b"}",
        b'{"top_k": ' + b"9" * 30 + b"}",
        b"[" * 101 + b"]" * 101,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 101 + b"1" + b"}" * 101,
    ],
    ids=lambda body: body[:16].decode("latin-1"),
)
def test_refuses_json_that_is_not_sane(server, body):
    assert refused(server.predict(body, "application/json")) == (400, "MALFORMED_JSON")


@pytest.mark.parametrize(
    "value",
    [
        [],
        "image",
        None,
        1,
        {},
        {"instances": []},
        {"instances": IMAGE},
        {"instances": {"0": IMAGE}},
        {"instances": [IMAGE, 1]},
        {"instances": ["aGk="] * 65},
        {"image": None},
        {"image": [IMAGE]},
        {"image": {"b64": IMAGE}},
        {"image": IMAGE, "instances": [IMAGE]},
        json.loads("[" * 100 + "]" * 100),
    ],
    ids=lambda value: str(value)[:16],
)
def test_refuses_json_of_another_shape(server, value):
    assert refused(server.predict_json(value)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("text", ["!!!!", "aGk", "aG k=", "aGk=\n", "aGk=aGk=", "data:image/png;base64,aGk=", "äöü="])
def test_refuses_base64_that_is_not(server, text):
    assert refused(server.predict_json({"image": text})) == (400, "INVALID_BASE64")


@pytest.mark.parametrize(
    "value", [{"url": "http://169.254.169.254/"}, {"instances": [{"url": "file:///etc/passwd"}]}, {"image": {"url": 1}}]
)
def test_opens_no_connection_on_a_clients_word(server, value):
    assert refused(server.predict_json(value)) == (400, "URL_INPUT_UNSUPPORTED")


@pytest.mark.parametrize(
    "options", [{"top_k": 0}, {"top_k": 1.5}, {"top_k": True}, {"top_k": 1001}, {"threshold": 2}, {"threshold": "x"}]
)
def test_refuses_options_out_of_range(server, options):
    assert refused(server.predict_json({"image": IMAGE} | options)) == (400, "INVALID_PARAMETER")


def test_refuses_options_out_of_range_in_the_header(server):
    assert refused(server.predict(GOOD, **{HEADER: "top_k=-1"})) == (400, "INVALID_PARAMETER")


def test_refuses_an_announced_body_over_the_limit(server):
    reply = server.predict(b"\xff" * (BODIES.realtime + 1))
    assert refused(reply) == (413, "PAYLOAD_TOO_LARGE")
    assert str(BODIES.realtime) in reply.json()["error"]["message"]


def test_refuses_an_unannounced_body_over_the_limit_without_holding_it(server):
    server.predict(b"\xff\xd8\xff" * (BODIES.realtime // 3))
    before = server.peak_rss_bytes()
    assert refused(server.predict(chunks(96 * MIB))) == (413, "PAYLOAD_TOO_LARGE")
    assert server.peak_rss_bytes() - before < 32 * MIB


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (GOOD[: len(GOOD) // 2], "image/jpeg"),
        (GOOD[:10], "image/jpeg"),
        (encoded(solid(size=(300, 300)), "PNG")[:60], "image/png"),
        (encoded(solid(), "WEBP")[:40], "image/webp"),
        (b"RIFF\x00\x00\x00\x00WEBPjunkjunkjunkjunkjunkjunk", "image/webp"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png"),
    ],
    ids=["jpeg half", "jpeg head", "png head", "webp head", "webp junk", "png junk"],
)
def test_refuses_a_damaged_picture(server, body, content_type):
    assert refused(server.predict(body, content_type)) == (422, "IMAGE_UNDECODABLE")


def test_refuses_a_bomb_from_its_header(server):
    body = bomb()
    before = server.peak_rss_bytes()
    assert refused(server.predict(body, "image/png")) == (422, "IMAGE_TOO_MANY_PIXELS")
    assert server.peak_rss_bytes() - before < 32 * MIB


def test_refuses_pixels_that_pillow_alone_would_let_through(server):
    body = encoded(solid(size=(10_000, 5_001)).convert("1"), "PNG")
    assert refused(server.predict(body, "image/png")) == (422, "IMAGE_TOO_MANY_PIXELS")


@pytest.mark.parametrize("size", [(7, 100), (100, 7), (1, 1)])
def test_refuses_a_picture_that_is_too_small(server, size):
    assert refused(server.predict(encoded(solid(size=size)), "image/png")) == (422, "IMAGE_TOO_SMALL")


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_refuses_an_animation(server, format):
    assert refused(server.predict(animated(format), f"image/{format.lower()}")) == (422, "IMAGE_ANIMATED")


def test_a_progressive_jpeg_with_endless_scans_is_refused_at_once(server):
    start_of_scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    body = encoded(solid(size=(2000, 2000)), "JPEG", progressive=True)[:-2] + start_of_scan * 5000 + b"\xff\xd9"
    assert refused(server.predict(body)) == (422, "IMAGE_UNDECODABLE")


@pytest.mark.parametrize("path", ["/", "/ping/", "/predict", "/invocations/../etc", "/docs", "//evil.example/"])
def test_an_unknown_path_is_answered_in_the_same_envelope(server, path):
    assert refused(server.request("GET", path)) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), [("GET", "/invocations"), ("POST", "/ping"), ("DELETE", "/invocations")])
def test_another_method_is_answered_in_the_same_envelope(server, method, path):
    reply = server.request(method, path)
    assert refused(reply) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["allow"]


def test_a_model_that_fails_or_gives_nan_is_told_apart_and_says_nothing_more(moody):
    failed = moody.predict(encoded(solid(BLACK)), "image/png")
    assert refused(failed) == (502, "MODEL_FAILED")
    assert "secret" not in failed.response.text
    assert refused(moody.predict(encoded(solid(WHITE)), "image/png")) == (502, "MODEL_OUTPUT_INVALID")
    assert moody.predict(GOOD).status == 200
    assert any("too dark" in line.get("reason", "") for line in moody.log_lines())


def test_exif_that_is_damaged_does_not_cost_the_picture(server):
    body = oriented(solid(RED), 6, "JPEG").replace(b"MM\x00*\x00\x00\x00\x08", b"MM\x00*\xff\xff\xff\xff")
    assert server.predict(body).status == 200
