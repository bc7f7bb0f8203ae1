"""A model that never comes back: its request ends at the deadline, others go on, and stuck workers are replaced."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.failing_scripts import GOOD, MIB, PNG, Mood, inferences, picture, serving_failing_model
from tests.faults.fault_requests import QUICK_S, memory_grows_less_than, slowest_good_s
from tests.faults.slow_clients import eventually

MEMORY = 24 * MIB  # a new worker has not yet used all that the one before had; threads that hang keep their stacks
TIMEOUT_S = 1.0
SLACK_S = 0.5
REPLACED_S = 15.0  # some seconds after the deadline, and a start
ENVIRONMENT = {"MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_QUEUE": "4", "MODEL_SERVER_TIMEOUT": str(TIMEOUT_S)}


def times_out(server, mood: Mood) -> None:
    started = time.monotonic()
    reply = server.predict(picture(mood), PNG)
    assert (reply.status, reply.code) == (504, "MODEL_TIMEOUT")
    assert TIMEOUT_S - 0.1 <= time.monotonic() - started < TIMEOUT_S + SLACK_S


def serves_again(server) -> bool:
    return eventually(lambda: server.predict(GOOD, PNG).status == 200, REPLACED_S)


def test_one_that_hangs_is_given_up_at_the_deadline_and_the_others_go_on(tmp_path):
    with serving_failing_model(tmp_path, **ENVIRONMENT) as server, ThreadPoolExecutor(1) as pool:
        server.predict(GOOD, PNG)
        with memory_grows_less_than(server, MEMORY):
            hanging = pool.submit(times_out, server, Mood.HANG)
            time.sleep(0.1)
            assert slowest_good_s(server) < QUICK_S
            hanging.result()
            assert server.ping() == 200
            assert slowest_good_s(server) < QUICK_S
        assert server.predict(GOOD, PNG).status == 200


@pytest.mark.parametrize("mood", [Mood.HANG, Mood.HOLD], ids=lambda mood: mood.name.lower())
def test_a_worker_with_every_thread_stuck_is_replaced(tmp_path, mood):
    with serving_failing_model(tmp_path, **ENVIRONMENT) as server, ThreadPoolExecutor(2) as pool:
        server.predict(GOOD, PNG)
        stuck = server.worker_pid()
        with memory_grows_less_than(server, MEMORY):
            for hanging in [pool.submit(times_out, server, mood) for _ in range(2)]:
                hanging.result()
            assert server.ping() in {200, 503}
            assert serves_again(server)
            assert server.worker_pid() != stuck
            assert server.ping() == 200
        assert server.predict(GOOD, PNG).status == 200
        assert "Traceback" not in server.said()


def test_what_waits_behind_stuck_threads_ends_at_its_deadline_too(tmp_path):
    """Work that nobody waits for any more is not begun by the next worker."""
    with serving_failing_model(tmp_path, **ENVIRONMENT) as server, ThreadPoolExecutor(6) as pool:
        hanging = [pool.submit(times_out, server, Mood.HANG) for _ in range(2)]
        assert eventually(lambda: inferences(tmp_path) == 2)
        waiting = [pool.submit(times_out, server, Mood.HANG) for _ in range(4)]
        for request in hanging + waiting:
            request.result()
        assert inferences(tmp_path) == 2
        assert serves_again(server)
        assert server.predict(GOOD, PNG).status == 200
