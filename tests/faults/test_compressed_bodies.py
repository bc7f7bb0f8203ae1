"""Bodies that are compressed a second time: refused by their header or by their first bytes, and never expanded."""

import gzip
import time
import zlib

import pytest

from contract.limits import BODIES
from tests.faults.fault_requests import GOOD, MIB, QUICK_S, ask, chunk, head, peak_memory_below, unharmed

MEMORY = 16 * MIB  # two bodies of the largest size, which the allocator may keep; the bomb holds 6 GB
HELD = 32 * MIB  # the largest body, as it is sent on and joined
ENCODED = {
    "gzip": gzip.compress(GOOD),
    "deflate": zlib.compress(GOOD),
    "br": b"\x0b\x02\x80" + GOOD[:5] + b"\x03",  # brotli of a few bytes, uncompressed
    "zstd": b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00" + GOOD[:5],
    "compress": b"\x1f\x9d\x90" + GOOD,
}


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Zeros without end, as many as fit into a body of the largest size."""
    squeeze = zlib.compressobj(9, wbits=31)
    layer = b"".join(squeeze.compress(bytes(64 * MIB)) for _ in range(4)) + squeeze.flush()  # 256 MiB in 250 kB
    return (layer * (BODIES.realtime // len(layer) + 1))[: BODIES.realtime]  # members of one file (RFC 1952, 2.2)


def refused(reply) -> bool:
    return (reply.status, reply.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "application/json"])
@pytest.mark.parametrize("encoding", ENCODED)
def test_a_body_with_a_content_encoding_is_refused(server, encoding, media_type):
    assert refused(server.predict(ENCODED[encoding], media_type, content_encoding=encoding))


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_compressed_picture_that_is_not_announced_is_refused(server, encoding):
    assert refused(server.predict(ENCODED[encoding], "image/jpeg"))


@pytest.mark.parametrize("encoding", ENCODED)
def test_compressed_json_that_is_not_announced_is_no_json(server, encoding):
    reply = server.predict(ENCODED[encoding], "application/json")
    assert (reply.status, reply.code) == (400, "MALFORMED_JSON")


@pytest.mark.parametrize("media_type", ["application/gzip", "application/x-gzip", "application/zip"])
def test_a_compressed_type_is_refused(server, media_type):
    assert refused(server.predict(ENCODED["gzip"], media_type))


@pytest.mark.parametrize("encoding", ["GZIP", "x-gzip", "gzip, identity", "identity, gzip", "identity;q=1", "*", "?"])
def test_whatever_is_not_identity_is_refused_though_the_body_is_sound(server, encoding):
    assert refused(server.predict(GOOD, content_encoding=encoding))


def test_identity_is_no_encoding(server):
    assert server.predict(GOOD, content_encoding="Identity").status == 200


@pytest.mark.parametrize("encodings", [("identity", "gzip"), ("gzip", "identity"), ("", "gzip")])
def test_a_second_content_encoding_is_not_overlooked(server, encodings):
    lines = [f"Content-Encoding: {encoding}" for encoding in encodings]
    answer = ask(server, head("Content-Type: image/jpeg", *lines, f"Content-Length: {len(GOOD)}"), GOOD)
    assert (answer.status, answer.code) in {(415, "UNSUPPORTED_MEDIA_TYPE"), (400, "BAD_HTTP_REQUEST")}


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate, chunked", "br, chunked"])
def test_a_compressed_transfer_is_not_expanded(server, coding):
    answer = ask(
        server,
        head("Content-Type: image/jpeg", f"Transfer-Encoding: {coding}"),
        chunk(ENCODED["gzip"]),
        b"0\r\n\r\n",
    )
    assert (answer.status, answer.code) in {(415, "UNSUPPORTED_MEDIA_TYPE"), (400, "BAD_HTTP_REQUEST")}


@pytest.mark.parametrize("header", [{"content_encoding": "gzip"}, {}], ids=["announced", "not announced"])
@pytest.mark.parametrize("media_type", ["image/jpeg", "application/json", "application/gzip"])
def test_a_gzip_bomb_is_never_expanded(server, bomb, media_type, header):
    started = time.monotonic()
    with peak_memory_below(server, HELD):
        reply = server.predict(bomb, media_type, **header)
    assert (reply.status, reply.code) in {(415, "UNSUPPORTED_MEDIA_TYPE"), (400, "MALFORMED_JSON")}
    assert time.monotonic() - started < QUICK_S
