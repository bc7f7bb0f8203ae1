"""More clients than the queue takes: each is told at once to try again, and those inside are answered."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.containers.server_process import Reply
from tests.faults.failing_scripts import GOOD, MIB, PNG, Mood, picture, serving_failing_model
from tests.faults.fault_requests import QUICK_S, memory_grows_less_than
from tests.faults.slow_clients import asking, connected, eventually, head, read_answer

WORKERS, QUEUE = 1, 3
PLACES = WORKERS + QUEUE
MEMORY = 24 * MIB  # connections of a burst and their buffers; places are four
BURST = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    environment = {"MODEL_SERVER_WORKERS": str(WORKERS), "MODEL_SERVER_QUEUE": str(QUEUE)}
    with serving_failing_model(tmp_path_factory.mktemp("busy"), **environment) as started:
        yield started


def all_places_are_taken(server) -> bool:
    """What is asked has another type, so that it takes nobody's place."""
    return server.predict(b"x", "text/plain").code == "OVERLOADED"


def refused(reply: Reply) -> bool:
    return (reply.status, reply.code, reply.headers["retry-after"]) == (503, "OVERLOADED", "1")


def test_one_too_many_is_refused_at_once_and_those_inside_are_answered(server):
    with memory_grows_less_than(server, MEMORY), ThreadPoolExecutor(PLACES) as pool:
        inside = [pool.submit(server.predict, picture(Mood.SLOW, 0.5), PNG) for _ in range(PLACES)]
        assert eventually(lambda: all_places_are_taken(server))
        for _ in range(20):
            started = time.monotonic()
            assert refused(server.predict(GOOD, PNG))
            assert server.ping() == 200
            assert time.monotonic() - started < QUICK_S
        assert [place.result().status for place in inside] == [200] * PLACES
    assert server.predict(GOOD, PNG).status == 200


def test_a_burst_is_answered_or_refused_and_nothing_else(server):
    with memory_grows_less_than(server, MEMORY), ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _: server.predict(picture(Mood.SLOW, 0.1), PNG), range(BURST)))
        statuses = Counter(reply.status for reply in replies)
        assert set(statuses) == {200, 503}
        assert statuses[200] >= PLACES
        assert all(refused(reply) for reply in replies if reply.status == 503)
    assert server.predict(GOOD, PNG).status == 200


def test_a_body_under_way_holds_its_place(server):
    """Otherwise a crowd could send six megabytes each before anybody is refused."""
    clients = [connected(server) for _ in range(PLACES)]
    with memory_grows_less_than(server, MEMORY):
        for client in clients:
            client.sendall(head(len(GOOD)) + GOOD[:20])
        assert eventually(lambda: all_places_are_taken(server))
        assert refused(server.predict(GOOD, PNG))
        for client in clients:
            client.sendall(GOOD[20:])
        for client in clients:
            assert read_answer(client).startswith(b"HTTP/1.1 200 ")
            client.close()
    assert server.predict(GOOD, PNG).status == 200


def test_who_is_refused_may_ask_again_over_the_same_connection(server):
    with ThreadPoolExecutor(PLACES) as pool, connected(server) as client:
        inside = [pool.submit(server.predict, picture(Mood.SLOW, 0.3), PNG) for _ in range(PLACES)]
        assert eventually(lambda: all_places_are_taken(server))
        client.sendall(asking(GOOD))
        assert read_answer(client).startswith(b"HTTP/1.1 503 ")
        assert [place.result().status for place in inside] == [200] * PLACES
        client.sendall(asking(GOOD))
        assert read_answer(client).startswith(b"HTTP/1.1 200 ")
