"""A body in chunks of one byte each: answered or refused in time, with others served meanwhile."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract.limits import BODIES
from tests.faults.fault_requests import (
    DEADLINE_S,
    GOOD,
    MIB,
    QUICK_S,
    ask,
    head,
    outcome,
    peak_memory_below,
    slowest_good_s,
    unharmed,
)

MEMORY = 16 * MIB  # two bodies of the largest size, which the allocator may keep
HELD = 48 * MIB  # the largest body, as it arrives, joined and handed on; a million pieces as a list would add to it
MILLION = 1_000_000
SENDERS = 8
CHUNKED = head("Content-Type: image/jpeg", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"
ANSWERS = {(200, None), (400, "BAD_HTTP_REQUEST"), (413, "PAYLOAD_TOO_LARGE"), (504, "MODEL_TIMEOUT")}


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def in_chunks_of_a_byte(body: bytes, at_once: int = 10_000) -> Iterator[bytes]:
    """Ready to send, many to a piece: what one chunk costs the server is not what sending it costs us."""
    for start in range(0, len(body), at_once):
        yield b"".join(b"1\r\n%c\r\n" % byte for byte in body[start : start + at_once])
    yield END


def test_a_picture_in_chunks_of_a_byte_is_answered(server):
    answer = ask(server, CHUNKED, *in_chunks_of_a_byte(GOOD))
    assert outcome(answer) == (200, None)


def test_a_picture_in_chunks_of_a_byte_sent_one_by_one_is_answered(server):
    answer = ask(server, CHUNKED, *in_chunks_of_a_byte(GOOD, at_once=1))
    assert outcome(answer) == (200, None)


def test_a_million_chunks_are_answered_in_time_while_others_are_served(server):
    """A picture and zeros behind it, which nobody reads."""
    body = GOOD + bytes(MILLION - len(GOOD))
    pieces = [CHUNKED, *in_chunks_of_a_byte(body)]
    started = time.monotonic()
    with peak_memory_below(server, HELD), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, server, *pieces)
        assert slowest_good_s(server) < QUICK_S
        assert server.ping() == 200
        assert outcome(answer.result()) == (200, None)
    assert time.monotonic() - started < DEADLINE_S / 2


def test_more_chunks_than_the_limit_has_bytes_are_refused_in_time_while_others_are_served(server):
    a_piece = b"1\r\nx\r\n" * 10_000
    pieces = [CHUNKED, *[a_piece] * (BODIES.realtime // 10_000 + 1), END]
    started = time.monotonic()
    with peak_memory_below(server, HELD), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, server, *pieces)
        assert slowest_good_s(server) < QUICK_S
        assert server.ping() == 200
        assert outcome(answer.result()) in ANSWERS - {(200, None)}
    assert time.monotonic() - started < DEADLINE_S


def test_several_such_senders_leave_room_for_others(server):
    pieces = [CHUNKED, *in_chunks_of_a_byte(GOOD + bytes(MILLION // 5))]
    with peak_memory_below(server, HELD), ThreadPoolExecutor(SENDERS) as pool:
        answers = [pool.submit(ask, server, *pieces) for _ in range(SENDERS)]
        assert slowest_good_s(server) < SENDERS * QUICK_S  # each of them may have its turn first
        assert server.ping() == 200
        assert {outcome(answer.result()) for answer in answers} <= ANSWERS
