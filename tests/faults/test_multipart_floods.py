"""Forms, of however many parts: refused by their type, before the first part is looked at."""

import time

import pytest

from contract.limits import BODIES
from tests.faults.fault_requests import GOOD, MIB, QUICK_S, Connection, ask, chunk, head, peak_memory_below, unharmed

MEMORY = 16 * MIB  # two bodies of the largest size, which the allocator may keep
HELD = 16 * MIB  # the body on its way, if at all; 10,000 parts as objects would be more
PARTS = 10_000
TYPE = "multipart/form-data; boundary=x"
REFUSED = (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def part(number: int, content: bytes = b"x") -> bytes:
    disposition = b'Content-Disposition: form-data; name="image%d"; filename="../../%d.jpg"' % (number, number)
    return b"--x\r\n" + disposition + b"\r\nContent-Type: image/jpeg\r\n\r\n" + content + b"\r\n"


def form(parts: int, content: bytes = b"x") -> bytes:
    return b"".join(part(number, content) for number in range(parts)) + b"--x--\r\n"


BODIES_OF_PARTS = {
    "one sound picture": form(1, GOOD),
    "10,000 parts": form(PARTS),
    "10,000 parts without a name": b"--x\r\n\r\n\r\n" * PARTS + b"--x--\r\n",
    "10,000 headers of a part": b"--x\r\n" + b"X-Header: 1\r\n" * PARTS + b"\r\n\r\n--x--\r\n",
    "a header of 5 MB": b"--x\r\nX: " + b"x" * 5_000_000 + b"\r\n\r\n\r\n--x--\r\n",
    "only the boundary": b"--x" * (BODIES.realtime // 3),
    "no end": b"--x\r\n\r\n" + bytes(BODIES.realtime - 10),
}


@pytest.mark.parametrize("what", BODIES_OF_PARTS)
@pytest.mark.parametrize(
    "media_type", [TYPE, "multipart/form-data", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_form_is_refused_at_once(server, media_type, what):
    body = BODIES_OF_PARTS[what]
    started = time.monotonic()
    with peak_memory_below(server, HELD):
        answer = ask(server, head(f"Content-Type: {media_type}", f"Content-Length: {len(body)}"), body)
    assert (answer.status, answer.code) == REFUSED
    assert time.monotonic() - started < QUICK_S


def test_a_form_is_refused_before_it_is_there(server):
    """The answer comes while the client still owes the body."""
    started = time.monotonic()
    with Connection(server) as connection:
        connection.send([head(f"Content-Type: {TYPE}", f"Content-Length: {BODIES.realtime}"), part(0)])
        answer = connection.answer(QUICK_S)
    assert answer is not None
    assert (answer.status, answer.code) == REFUSED
    assert time.monotonic() - started < QUICK_S


def test_parts_without_end_are_not_listened_to(server):
    """Refused by its first bytes; the server reads no hundred megabytes for the sake of a refusal."""
    parts = chunk(form(1000)) * 10
    pieces = [head(f"Content-Type: {TYPE}", "Transfer-Encoding: chunked"), *[parts] * 100]
    started = time.monotonic()
    with peak_memory_below(server, HELD):
        answer = ask(server, *pieces)
    assert (answer.status, answer.code) == REFUSED
    assert time.monotonic() - started < QUICK_S


@pytest.mark.parametrize("media_type", ["image/jpeg", "application/json"])
def test_a_form_under_another_name_is_no_picture_and_no_json(server, media_type):
    reply = server.predict(form(PARTS), media_type)
    assert (reply.status, reply.code) in {REFUSED, (400, "MALFORMED_JSON")}
