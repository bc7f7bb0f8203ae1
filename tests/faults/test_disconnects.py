"""Clients that go away: what they asked is not done or thrown away, and nothing of them is kept."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from contract.media import JSON
from model_server.front.body import MOST_SPARE
from tests.faults.failing_scripts import (
    GOOD,
    MANY_LABELS,
    MIB,
    PNG,
    Mood,
    inferences,
    long_request,
    picture,
    serving_failing_model,
)
from tests.faults.fault_requests import memory_grows_less_than
from tests.faults.slow_clients import asking, connected, eventually, files, head

WORKERS, QUEUE = 1, 3
PLACES = WORKERS + QUEUE
TIMES = 25
KEPT = MOST_SPARE + PLACES  # where the next bodies are read into, and connections that the client has in its pool
MEMORY = 24 * MIB  # less than one long answer for each client that did not wait for it
LARGE = 6 * MIB - 1024
BRIEF_S = 0.05


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("gone")


@pytest.fixture(scope="module")
def server(room):
    environment = {"MODEL_SERVER_WORKERS": str(WORKERS), "MODEL_SERVER_QUEUE": str(QUEUE)}
    with serving_failing_model(room, MANY_LABELS, **environment) as started:
        for _ in range(3):
            started.predict(long_request(), JSON)  # what the allocator keeps of a long answer is there before
        yield started


def all_open_files(server) -> int:
    return files(server.process.pid) + files(server.worker_pid())


def nothing_is_left(server, before: int) -> bool:
    """No more open files than before but the few that are kept, and every place free."""
    with ThreadPoolExecutor(PLACES) as pool:
        statuses = list(pool.map(lambda _: server.predict(GOOD, PNG).status, range(PLACES)))
    return all_open_files(server) <= before + KEPT and statuses == [200] * PLACES


def before_the_body(client: socket.socket) -> None:
    client.sendall(head(LARGE))


def amid_the_body(client: socket.socket) -> None:
    client.sendall(head(LARGE) + bytes(LARGE // 2))


def amid_the_inference(client: socket.socket) -> None:
    client.sendall(asking(picture(Mood.SLOW, 0.1)))
    time.sleep(BRIEF_S)


def amid_the_answer(client: socket.socket) -> None:
    client.sendall(asking(long_request(), JSON))
    client.recv(1)


def with_a_reset(client: socket.socket) -> None:
    """As a client that crashes: no orderly end, what is under way is thrown away."""
    client.sendall(asking(picture(Mood.SLOW, 0.1)))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize("goes", [before_the_body, amid_the_body, amid_the_inference, amid_the_answer, with_a_reset])
def test_nothing_is_left_of_a_client_that_goes_away(server, goes):
    assert nothing_is_left(server, 10**6)  # opens the connections of the pool
    before = all_open_files(server)
    with memory_grows_less_than(server, MEMORY):
        for _ in range(TIMES):
            with connected(server, receive_buffer=4096) as client:
                goes(client)
        assert eventually(lambda: nothing_is_left(server, before), 10)
    assert server.predict(GOOD, PNG).status == 200


def test_what_is_queued_for_a_client_that_went_away_never_reaches_the_model(server, room):
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(server.predict, picture(Mood.SLOW, 1), PNG)
        time.sleep(4 * BRIEF_S)
        before = inferences(room)
        with ExitStack() as queued:
            for _ in range(QUEUE):
                queued.enter_context(connected(server)).sendall(asking(picture(Mood.SLOW, 5)))
            time.sleep(4 * BRIEF_S)
        assert slow.result().status == 200
    started = time.monotonic()
    assert server.predict(GOOD, PNG).status == 200
    assert time.monotonic() - started < 1
    assert inferences(room) == before + 1


def test_who_goes_away_from_the_queue_leaves_the_place_to_another(server):
    with ThreadPoolExecutor(PLACES) as pool:
        slow = pool.submit(server.predict, picture(Mood.SLOW, 1), PNG)
        time.sleep(4 * BRIEF_S)
        with ExitStack() as queued:
            for _ in range(QUEUE):
                queued.enter_context(connected(server)).sendall(asking(GOOD))
            time.sleep(2 * BRIEF_S)
            assert server.predict(GOOD, PNG).status == 503
        time.sleep(2 * BRIEF_S)
        others = [pool.submit(server.predict, GOOD, PNG) for _ in range(QUEUE)]
        assert [other.result().status for other in others] == [200] * QUEUE
        assert slow.result().status == 200


def test_many_that_go_away_at_once_leave_no_work_behind(server):
    """A crowd that gives up: what it asked would keep the one worker busy for minutes."""
    with memory_grows_less_than(server, MEMORY):
        for _ in range(TIMES):
            with ExitStack() as crowd:
                for _ in range(2 * PLACES):
                    crowd.enter_context(connected(server)).sendall(asking(picture(Mood.SLOW, 0.2)))
        started = time.monotonic()
        assert eventually(lambda: server.predict(GOOD, PNG).status == 200)
        assert time.monotonic() - started < 2
    assert server.predict(GOOD, PNG).status == 200
