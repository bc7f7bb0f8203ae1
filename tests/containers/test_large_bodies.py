"""A server of an asynchronous endpoint: what is uploaded reaches it whole, and one byte more does not."""

import base64

import pytest

from contract.limits import BODIES, MIB
from tests.containers.pictures import RED, encoded, solid
from tests.containers.server_process import serving

GOOD = encoded(solid(RED), "PNG")


@pytest.fixture(scope="module")
def server(colours, tmp_path_factory):
    log = tmp_path_factory.mktemp("large") / "large.log"
    with serving(colours, log, MODEL_SERVER_MAX_BODY_BYTES=str(BODIES.upload)) as started:
        yield started


def picture(size: int) -> bytes:
    """A PNG ends at its last chunk; what follows is not looked at."""
    return GOOD + bytes(size - len(GOOD))


def in_pieces(body: bytes):
    for at in range(0, len(body), 100_000):
        yield body[at : at + 100_000]


@pytest.mark.parametrize("size", [BODIES.realtime, BODIES.realtime + 1, BODIES.upload])
def test_takes_what_may_be_uploaded_whether_its_length_is_announced_or_not(server, size):
    expected = server.predict(GOOD, "image/png").json()
    assert server.predict(picture(size), "image/png").json() == expected
    assert server.predict(in_pieces(picture(size)), "image/png").json() == expected


def test_refuses_one_byte_more_and_names_its_own_limit(server):
    for body in (picture(BODIES.upload + 1), in_pieces(picture(BODIES.upload + 1))):
        reply = server.predict(body, "image/png")
        assert (reply.status, reply.code) == (413, "PAYLOAD_TOO_LARGE")
        assert str(BODIES.upload) in reply.json()["error"]["message"]
    assert server.predict(GOOD, "image/png").status == 200


def test_gives_the_memory_of_a_large_body_back(server):
    server.predict(picture(BODIES.realtime), "image/png")
    before = server.memory_bytes()
    for _ in range(3):
        assert server.predict(picture(BODIES.upload), "image/png").status == 200
    assert server.predict(GOOD, "image/png").status == 200
    assert server.memory_bytes() - before < 16 * MIB


@pytest.mark.parametrize("value", [b"[],", b"{},", b"0.1,", b'"ab",'])
def test_millions_of_values_are_refused_before_they_take_memory(server, value):
    server.predict(picture(BODIES.upload), "image/png")
    before = server.memory_bytes()
    server.forget_peak()
    body = b'{"image": [' + value * ((BODIES.upload - 20) // len(value)) + b"0]}"
    reply = server.predict(body, "application/json")
    assert (reply.status, reply.code) == (400, "MALFORMED_JSON")
    assert server.peak_rss_bytes() - before < 256 * MIB  # the body, and what was kept of the one before
    assert server.predict(GOOD, "image/png").status == 200


def test_many_pictures_in_one_job_are_answered(server):
    one = base64.b64encode(picture(700_000)).decode()
    reply = server.predict_json({"instances": [one] * 64})
    assert len(reply.json()["instances"]) == 64


def test_tells_batch_transform_how_much_it_takes(server):
    assert server.request("GET", "/execution-parameters").json()["MaxPayloadInMB"] == BODIES.upload // MIB
