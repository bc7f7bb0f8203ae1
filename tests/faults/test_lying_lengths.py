"""Bodies whose length is announced wrongly, doubly, or in no number: never read as something else."""

import time
from collections.abc import Iterator

import pytest

from contract.limits import BODIES
from tests.faults.fault_requests import (
    GOOD,
    MIB,
    QUICK_S,
    Connection,
    ask,
    ask_until_closed,
    chunk,
    head,
    is_documented,
    outcome,
    peak_memory_below,
    unharmed,
)

MEMORY = 16 * MIB  # two bodies of the largest size, which the allocator may keep
HELD = 32 * MIB  # a body of the largest size, as it arrives, joined and handed on
BAD, TOO_LARGE = (400, "BAD_HTTP_REQUEST"), (413, "PAYLOAD_TOO_LARGE")
JPEG = "Content-Type: image/jpeg"
CHUNKED = head(JPEG, "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"
LENGTH = len(GOOD)


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def refused_and_closed(server, *pieces: bytes) -> bool:
    return [outcome(answer) for answer in ask_until_closed(server, *pieces)] == [BAD]


@pytest.mark.parametrize(
    "length",
    [
        "-1",
        "-0",
        f"+{LENGTH}",
        "0x10",
        "1e3",
        "",
        "NaN",
        "abc",
        "1_0",
        f"{LENGTH} {LENGTH}",
        f"{LENGTH},{LENGTH + 1}",
        f"{LENGTH};x",
        f"{LENGTH}.0",
        "9" * 40,
        "9" * 5000,
        str(2**64 + LENGTH),
        b"\xd9\xa3".decode("latin-1"),
        "\x00",
    ],
)
def test_a_length_that_is_no_number_is_refused(server, length):
    assert refused_and_closed(server, head(JPEG, f"Content-Length: {length}"), GOOD)


@pytest.mark.parametrize("lengths", [(LENGTH, LENGTH + 1), (LENGTH, 0), (0, LENGTH), (LENGTH, -1)])
def test_two_lengths_that_differ_are_refused(server, lengths):
    lines = [f"Content-Length: {length}" for length in lengths]
    assert refused_and_closed(server, head(JPEG, *lines), GOOD)


def test_the_same_length_twice_is_read_or_refused(server):
    answer = ask(server, head(JPEG, *[f"Content-Length: {LENGTH}"] * 2), GOOD)
    assert outcome(answer) in {(200, None), BAD}  # RFC 9110, 8.6, allows both


@pytest.mark.parametrize(
    "lines",
    [
        ("Transfer-Encoding: chunked", f"Content-Length: {LENGTH}"),
        (f"Content-Length: {LENGTH}", "Transfer-Encoding: chunked"),
        ("transfer-encoding: CHUNKED", "content-length: 0"),
        ("Content-Length: 5", "Transfer-Encoding: identity"),
        ("Content-Length: 5", "Transfer-Encoding : chunked"),
        ("Content-Length: 5", "Transfer-Encoding:\x0bchunked"),
        ("Content-Length: 5", "X: y\n Transfer-Encoding: chunked"),
    ],
    ids=repr,
)
def test_a_length_beside_a_transfer_encoding_is_refused(server, lines):
    """Two readers of such a request could each find another end of it (RFC 9112, 6.1 and 11.2)."""
    assert refused_and_closed(server, head(JPEG, *lines), chunk(GOOD), END)


@pytest.mark.parametrize(
    "coding", ["chunked, identity", "xchunked", "chunkedx", "identity", "chunked;q=1", "chunked, gzip", "cow"]
)
def test_a_transfer_encoding_that_does_not_end_in_chunked_is_refused(server, coding):
    assert refused_and_closed(server, head(JPEG, f"Transfer-Encoding: {coding}"), chunk(GOOD), END)


def test_what_follows_a_body_is_another_request_and_refused_as_such(server):
    pieces = head(JPEG, f"Content-Length: {LENGTH}"), GOOD, b"rest of it\r\n\r\n"
    *before, last = ask_until_closed(server, *pieces)
    assert outcome(last) == BAD
    assert [outcome(answer) for answer in before] in ([], [(200, None)])


def test_a_request_inside_a_body_is_not_obeyed(server):
    body = GOOD + head(start="GET /smuggled HTTP/1.1")
    with Connection(server) as connection:
        connection.send([head(JPEG, f"Content-Length: {len(body)}"), body])
        first = connection.answer()
        connection.send([head(start="GET /ping HTTP/1.1")])
        second = connection.answer()
    assert first is not None
    assert second is not None
    assert (first.status, second.status, second.body) == (200, 200, b"")


@pytest.mark.parametrize("announced", [LENGTH + 1, LENGTH * 2, BODIES.realtime])
def test_a_body_shorter_than_announced_is_not_answered_as_if_it_were_whole(server, announced):
    started = time.monotonic()
    with Connection(server) as connection:
        connection.send([head(JPEG, f"Content-Length: {announced}"), GOOD])
        connection.says_no_more()
        answer = connection.answer()
        assert answer is None or outcome(answer) == BAD
        assert connection.is_closed()
    assert time.monotonic() - started < QUICK_S


@pytest.mark.parametrize("announced", [BODIES.realtime + 1, 2**31, 2**63 - 1])
def test_a_length_over_the_limit_is_refused_before_anything_is_sent(server, announced):
    started = time.monotonic()
    with peak_memory_below(server, HELD):
        assert outcome(ask(server, head(JPEG, f"Content-Length: {announced}"))) == TOO_LARGE
    assert time.monotonic() - started < QUICK_S


def test_a_length_of_nothing_is_an_empty_body(server):
    assert outcome(ask(server, head(JPEG, "Content-Length: 0"))) == (400, "EMPTY_BODY")
    assert outcome(ask(server, head(JPEG))) == (400, "EMPTY_BODY")
    assert outcome(ask(server, CHUNKED, END)) == (400, "EMPTY_BODY")


def test_a_body_in_chunks_is_read(server):
    third = LENGTH // 3
    pieces = [chunk(GOOD[:third]), b"000%X\r\n%b\r\n" % (third, GOOD[third : 2 * third]), chunk(GOOD[2 * third :])]
    assert outcome(ask(server, CHUNKED, *pieces, b"00000\r\n\r\n")) == (200, None)


@pytest.mark.parametrize(
    "size",
    [
        b"zz",
        b"-1",
        b"+5",
        b"0x5",
        b"5 5",
        b"",
        b" ",
        b"5,5",
        b"5_0",
        b"\xff",
        b"g",
        b"F" * 17,
        b"1" + b"0" * 16,
        b"5\x00",
        b"F" * 100000,
        b"\xd9\xa5",
    ],
    ids=lambda size: repr(size[:20]),
)
def test_a_chunk_size_that_is_no_number_is_refused(server, size):
    assert refused_and_closed(server, CHUNKED, size + b"\r\n" + GOOD + b"\r\n", END)


@pytest.mark.parametrize("lie", [-1, -10, -LENGTH + 1])
def test_a_chunk_longer_than_its_size_is_refused(server, lie):
    assert refused_and_closed(server, CHUNKED, b"%x\r\n%b\r\n" % (LENGTH + lie, GOOD), END)


def test_a_chunk_shorter_than_its_size_is_refused_or_not_answered_as_if_it_were_whole(server):
    with Connection(server) as connection:
        connection.send([CHUNKED, b"%x\r\n%b\r\n" % (LENGTH + 100, GOOD), END, b"x" * 200])
        connection.says_no_more()
        answer = connection.answer()
    assert answer is None or outcome(answer) == BAD


@pytest.mark.parametrize("between", [b"", b"\n", b"\r", b"x\r\n", b"\r\r\n"], ids=repr)
def test_a_chunk_that_does_not_end_in_a_line_end_is_refused(server, between):
    assert refused_and_closed(server, CHUNKED, b"%x\r\n%b" % (LENGTH, GOOD), between, b"0\r\n\r\n" + bytes(100))


@pytest.mark.parametrize("size", [2**31, 2**32 + LENGTH, 2**62, 2**64 - 1])
def test_a_chunk_that_announces_more_than_the_limit_is_refused_once_it_is_more(server, size):
    with peak_memory_below(server, HELD):
        answer = ask(server, CHUNKED, b"%x\r\n" % size, *[bytes(MIB)] * 32)
    assert outcome(answer) in {TOO_LARGE, BAD}


def of_extensions(count: int, length: int) -> Iterator[bytes]:
    """The good picture, a byte a chunk, each with an extension of `length`."""
    for at in range(count):
        yield b"1;%b\r\n%b\r\n" % (b"x" * length, GOOD[at : at + 1] or b"\0")
    yield chunk(GOOD[count:]) if count < LENGTH else b""
    yield END


@pytest.mark.parametrize("extension", [b";a", b";a=b", b';a="b;c"', b";a=b;c=d", b" ;a=b"], ids=repr)
def test_extensions_of_a_chunk_are_passed_over_or_refused(server, extension):
    answer = ask(server, CHUNKED, b"%x%b\r\n%b\r\n" % (LENGTH, extension, GOOD), END)
    assert outcome(answer) in {(200, None), BAD}


@pytest.mark.parametrize(("count", "length"), [(1, 8_000_000), (LENGTH, 10_000), (100, 200_000)])
def test_extensions_that_are_longer_than_the_body_are_refused_or_not_kept(server, count, length):
    with peak_memory_below(server, HELD):
        answer = ask(server, CHUNKED, *of_extensions(count, length))
    assert outcome(answer) in {(200, None), BAD, TOO_LARGE}


def test_trailers_change_nothing_that_was_decided(server):
    trailers = b"Content-Type: image/png\r\nContent-Length: 5\r\nX-Request-Id: trailer\r\nContent-Encoding: gzip\r\n"
    answer = ask(server, CHUNKED, chunk(GOOD), b"0\r\n" + trailers + b"\r\n")
    assert outcome(answer) in {(200, None), BAD}
    assert answer.headers["x-request-id"] != "trailer"


@pytest.mark.parametrize(
    "trailers", [b"X: " + b"x" * 8_000_000 + b"\r\n", b"X-%d: x\r\n" % 1 * 500_000], ids=["long", "many"]
)
def test_trailers_without_end_are_refused_or_not_kept(server, trailers):
    with peak_memory_below(server, HELD):
        answer = ask(server, CHUNKED, chunk(GOOD), b"0\r\n", trailers, b"\r\n")
    is_documented(answer)
