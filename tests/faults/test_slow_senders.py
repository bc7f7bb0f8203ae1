"""Clients that send or read too slowly are cut off by a deadline, and nobody waits for them."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from contract.media import JSON
from tests.faults.failing_scripts import (
    GOOD,
    LONG_ANSWER_BYTES,
    MANY_LABELS,
    MIB,
    PNG,
    long_request,
    serving_failing_model,
)
from tests.faults.fault_requests import QUICK_S, memory_grows_less_than, slowest_good_s
from tests.faults.slow_clients import PING, asking, connected, files, head, silent, sip, trickled

MEMORY = 16 * MIB  # a hundred connections hold a few bytes each; the rest is the allocator's
LONG_MEMORY = 64 * MIB  # freed answers of 8 MB each, of which the allocator may keep a few
TIMEOUT_S = 3
READERS = 8
READ_S = 15.0  # MODEL_SERVER_TIMEOUT, and ten seconds as for a head
HEAD_S = 10  # the server's own deadline for a head, which no variable sets
SLACK_S = 2.5  # a client asks once a second whether it was cut off
BYTES = 16  # more than are sent in ten seconds
CLIENTS = 40  # more than MODEL_SERVER_WORKERS + MODEL_SERVER_QUEUE would let in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    room = tmp_path_factory.mktemp("slow")
    environment = {"MODEL_SERVER_TIMEOUT": str(TIMEOUT_S), "MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_QUEUE": "30"}
    with serving_failing_model(room, **environment) as started:
        started.predict(GOOD, PNG)
        yield started


def test_heads_sent_a_byte_a_second_and_silence_end_after_ten_seconds_while_others_are_served_at_once(server):
    with memory_grows_less_than(server, MEMORY), ThreadPoolExecutor(3 * CLIENTS) as pool:
        senders = [pool.submit(trickled, server, head(len(GOOD))[:BYTES]) for _ in range(CLIENTS)]
        senders += [pool.submit(trickled, server, b"X-Slow: " * 2, PING[:-2]) for _ in range(CLIENTS)]
        senders += [pool.submit(silent, server) for _ in range(CLIENTS)]
        assert slowest_good_s(server) < QUICK_S
        assert server.ping() == 200
        ended = [sender.result() for sender in senders]
        assert max(end.seconds for end in ended) < HEAD_S + SLACK_S
        assert {end.status for end in ended} <= {None, 400, 408, 504}
    assert server.predict(GOOD, PNG).status == 200


def test_bodies_sent_a_byte_a_second_are_given_up_at_the_deadline_while_others_are_served_at_once(server):
    """As many as leave two places free, those of the good requests."""
    with memory_grows_less_than(server, MEMORY), ThreadPoolExecutor(CLIENTS) as pool:
        senders = [pool.submit(trickled, server, GOOD, head(len(GOOD))) for _ in range(30)]
        assert slowest_good_s(server) < QUICK_S
        assert server.ping() == 200
        ended = [sender.result() for sender in senders]
        assert {end.status for end in ended} == {504}
        assert all(TIMEOUT_S - 1 <= end.seconds < TIMEOUT_S + SLACK_S for end in ended), ended
        assert all(b"MODEL_TIMEOUT" in end.answer for end in ended)
    assert server.predict(GOOD, PNG).status == 200


def test_slow_bodies_that_take_every_place_give_them_back_at_the_deadline(server):
    with memory_grows_less_than(server, MEMORY), ThreadPoolExecutor(CLIENTS) as pool:
        ended = [pool.submit(trickled, server, GOOD, head(len(GOOD))) for _ in range(CLIENTS)]
        assert server.ping() == 200
        assert {end.result().status for end in ended} == {503, 504}
        assert slowest_good_s(server) < QUICK_S
    assert server.predict(GOOD, PNG).status == 200


def test_a_body_sent_slowly_but_in_time_is_answered(server):
    with ThreadPoolExecutor(1) as pool:
        sender = pool.submit(trickled, server, GOOD[-4:], head(len(GOOD)) + GOOD[:-4], 0.4)
        assert sender.result().status == 200


def test_an_answer_read_slowly_is_cut_off_while_others_are_served_at_once(tmp_path):
    environment = {"MODEL_SERVER_TIMEOUT": str(TIMEOUT_S), "MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_QUEUE": "6"}
    with serving_failing_model(tmp_path, MANY_LABELS, **environment) as server, ExitStack() as opened:
        assert len(server.predict(long_request(), JSON).response.content) > LONG_ANSWER_BYTES
        front = server.process.pid
        with memory_grows_less_than(server, LONG_MEMORY):
            before = files(front)
            readers = [opened.enter_context(connected(server, receive_buffer=4096)) for _ in range(READERS)]
            for reader in readers:
                reader.sendall(asking(long_request(), JSON))
            sip(readers)
            assert slowest_good_s(server) < QUICK_S
            assert server.ping() == 200
            started = time.monotonic()
            while files(front) > before:
                assert time.monotonic() - started < READ_S
                sip(readers)
                time.sleep(1)
        assert server.predict(GOOD, PNG).status == 200
