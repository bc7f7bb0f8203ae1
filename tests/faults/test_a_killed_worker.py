"""The worker dies, of a signal or by itself: its requests are answered 502, all others by the next worker."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.containers.server_process import Server
from tests.faults.failing_scripts import (
    GOOD,
    MIB,
    PNG,
    Mood,
    inferences,
    picture,
    serving_failing_model,
    starting_failing_model,
)
from tests.faults.fault_requests import memory_grows_less_than
from tests.faults.slow_clients import eventually

MEMORY = 24 * MIB  # a new worker's share of the pages that it no longer shares with the front
MOST_CRASHES = 3
RESTART_S = 10.0  # of a worker that takes under a second to start
ENVIRONMENT = {"MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE": "8"}
DEADLY = [Mood.KILL, Mood.SEGFAULT, Mood.ABORT, Mood.LEAVE]


@pytest.fixture
def server(tmp_path):
    with serving_failing_model(tmp_path, **ENVIRONMENT) as started:
        started.predict(GOOD, PNG)
        yield started


def kill_worker(server) -> None:
    os.kill(server.worker_pid(), signal.SIGKILL)


def errors(server) -> list[dict]:
    return [line for line in server.log_lines() if line["level"] == "error"]


def failed(reply) -> bool:
    return (reply.status, reply.code) == (502, "MODEL_FAILED")


def test_the_request_inside_is_answered_502_and_those_queued_by_the_next_worker(server, tmp_path):
    with memory_grows_less_than(server, MEMORY), ThreadPoolExecutor(8) as pool:
        before = inferences(tmp_path)
        inside = pool.submit(server.predict, picture(Mood.SLOW, 3), PNG)
        assert eventually(lambda: inferences(tmp_path) > before)
        queued = [pool.submit(server.predict, GOOD, PNG) for _ in range(5)]
        time.sleep(0.2)
        killed_at = time.monotonic()
        kill_worker(server)
        assert failed(inside.result())
        assert time.monotonic() - killed_at < 1
        assert [request.result().status for request in queued] == [200] * 5
        assert time.monotonic() - killed_at < RESTART_S
        assert server.ping() == 200
    assert server.predict(GOOD, PNG).status == 200


def test_the_next_request_waits_for_the_next_worker(server):
    dead = server.worker_pid()
    kill_worker(server)
    assert server.predict(GOOD, PNG).status == 200
    assert server.worker_pid() != dead
    assert server.ping() == 200
    assert len(errors(server)) <= 1


def test_ping_is_503_until_the_next_worker_is_ready(server):
    kill_worker(server)
    assert eventually(lambda: server.ping() == 503, 1)
    assert eventually(lambda: server.ping() == 200, RESTART_S)
    assert server.predict(GOOD, PNG).status == 200


@pytest.mark.parametrize("mood", DEADLY, ids=lambda mood: mood.name.lower())
def test_a_picture_that_ends_the_worker_is_answered_502_and_the_next_one_200(server, mood):
    with memory_grows_less_than(server, MEMORY):
        assert failed(server.predict(picture(mood), PNG))
        assert server.predict(GOOD, PNG).status == 200
    assert "Traceback" not in server.said()


def test_after_three_crashes_the_process_ends_with_one_clear_line(server):
    for _ in range(MOST_CRASHES - 1):
        assert failed(server.predict(picture(Mood.KILL), PNG))
        assert server.predict(GOOD, PNG).status == 200
    assert failed(server.predict(picture(Mood.KILL), PNG))
    assert server.process.wait(5) == 1
    assert server.log_lines()[-1]["message"] == "stopped"
    assert len(errors(server)) <= MOST_CRASHES + 1  # one for each crash, and why it ends
    assert "crash" in json.dumps(errors(server)[-1])
    assert "Traceback" not in server.said()


def test_those_queued_at_the_third_crash_are_not_left_without_an_answer(server):
    for _ in range(MOST_CRASHES - 1):
        assert failed(server.predict(picture(Mood.KILL), PNG))
        assert server.predict(GOOD, PNG).status == 200
    with ThreadPoolExecutor(8) as pool:
        inside = pool.submit(server.predict, picture(Mood.SLOW, 3), PNG)
        time.sleep(0.2)
        queued = [pool.submit(server.predict, GOOD, PNG) for _ in range(5)]
        time.sleep(0.2)
        kill_worker(server)
        assert failed(inside.result())
        assert {request.result().status for request in queued} <= {502, 503}
    assert server.process.wait(5) == 1


def never_ready(server: Server) -> None:
    """Asks for as long as it lives."""
    while server.process.poll() is None:
        assert server.ping() != 200
        time.sleep(0.02)


def test_a_worker_that_dies_while_it_loads_ends_the_process(tmp_path):
    with starting_failing_model(tmp_path, on_load="kill") as server:
        never_ready(server)
        assert server.process.wait(10) == 1
        assert len(errors(server)) == 1
        assert "Traceback" not in server.said()


def test_a_worker_that_is_killed_while_it_loads_ends_the_process(tmp_path):
    with starting_failing_model(tmp_path, on_load="hang") as server:
        time.sleep(1)  # long enough to be inside the model's own code
        assert server.ping() == 503
        kill_worker(server)
        never_ready(server)
        assert server.process.wait(10) == 1
        assert len(errors(server)) == 1
