"""Told to stop: what is in flight is answered, nothing new is begun, and no process is left behind."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.failing_scripts import (
    GOOD,
    PNG,
    Mood,
    inferences,
    picture,
    serving_failing_model,
    starting,
    starting_failing_model,
    write_failing_model,
)
from tests.faults.slow_clients import GRACE_S, PING, connected, eventually, head, read_answer

KILLED_AFTER_S = 30  # SageMaker sends SIGKILL then
AT_ONCE_S = 2.0
ENVIRONMENT = {"MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE": "8"}


@pytest.fixture
def server(tmp_path):
    with serving_failing_model(tmp_path, **ENVIRONMENT) as started:
        yield started


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def busy(server, pool, room, count: int, seconds: float) -> list:
    """`count` requests in flight, the first of them inside the model."""
    before = inferences(room)
    asked = [pool.submit(server.predict, picture(Mood.SLOW, seconds), PNG)]
    assert eventually(lambda: inferences(room) > before)
    asked += [pool.submit(server.predict, picture(Mood.SLOW, seconds), PNG) for _ in range(count - 1)]
    time.sleep(0.1)
    return asked


def told_to_stop(server) -> float:
    server.process.send_signal(signal.SIGTERM)
    return time.monotonic()


def test_all_in_flight_are_answered_and_new_connections_refused(server, tmp_path):
    with ThreadPoolExecutor(5) as pool:
        asked = busy(server, pool, tmp_path, 5, 0.4)
        worker = server.worker_pid()
        told = told_to_stop(server)
        assert eventually(lambda: refuses(server), AT_ONCE_S)
        assert not all(request.done() for request in asked)
        assert [request.result().status for request in asked] == [200] * 5
        assert server.process.wait(KILLED_AFTER_S) == 0
        assert time.monotonic() - told < GRACE_S
        assert not is_alive(worker)


def refuses(server) -> bool:
    try:
        connected(server).close()
    except ConnectionRefusedError:
        return True
    return False


def test_told_twice_it_still_answers_what_is_in_flight(server, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        asked = busy(server, pool, tmp_path, 3, 0.4)
        told_to_stop(server)
        time.sleep(0.2)
        told_to_stop(server)
        assert [request.result().status for request in asked] == [200] * 3
        assert server.process.wait(KILLED_AFTER_S) == 0


def test_a_body_under_way_is_read_to_its_end_and_answered(server):
    with connected(server) as client:
        client.sendall(head(len(GOOD)) + GOOD[:20])
        time.sleep(0.2)
        told_to_stop(server)
        time.sleep(0.3)
        client.sendall(GOOD[20:])
        assert read_answer(client).startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(KILLED_AFTER_S) == 0


def test_a_body_that_never_ends_does_not_keep_it(tmp_path):
    with (
        serving_failing_model(tmp_path, **ENVIRONMENT, MODEL_SERVER_TIMEOUT="1") as server,
        connected(server) as client,
    ):
        client.sendall(head(len(GOOD)) + GOOD[:20])
        time.sleep(0.2)
        told_to_stop(server)
        assert server.process.wait(5) == 0


def test_an_idle_server_stops_at_once_whoever_is_connected(server):
    clients = [connected(server) for _ in range(20)]
    for client in clients[:10]:
        client.sendall(PING)
        assert read_answer(client).startswith(b"HTTP/1.1 200 ")
    worker, told = server.worker_pid(), told_to_stop(server)
    assert server.process.wait(KILLED_AFTER_S) == 0
    assert time.monotonic() - told < AT_ONCE_S
    assert not is_alive(worker)
    for client in clients:
        client.close()


def test_told_to_stop_while_it_loads(tmp_path):
    with starting_failing_model(tmp_path, on_load="hang") as server:
        time.sleep(1)  # long enough to be inside the model's own code
        worker, told = server.worker_pid(), told_to_stop(server)
        assert server.process.wait(KILLED_AFTER_S) == 0
        assert time.monotonic() - told < AT_ONCE_S
        assert not is_alive(worker)


def test_told_to_stop_before_it_listens(tmp_path):
    environment = write_failing_model(tmp_path / "model")
    with starting(tmp_path / "model", tmp_path / "server.log", **environment) as server:
        time.sleep(0.1)
        told_to_stop(server)
        assert server.process.wait(KILLED_AFTER_S) in {0, -signal.SIGTERM}  # Python itself was still starting
        assert "Traceback" not in server.said()


@pytest.mark.parametrize("mood", [Mood.HANG, Mood.HOLD], ids=lambda mood: mood.name.lower())
def test_a_model_that_hangs_keeps_it_no_longer_than_the_deadline(tmp_path, mood):
    environment = ENVIRONMENT | {"MODEL_SERVER_TIMEOUT": "1.5"}
    with serving_failing_model(tmp_path, **environment) as server, ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(server.predict, picture(mood), PNG)
        assert eventually(lambda: inferences(tmp_path) == 1)
        worker = server.worker_pid()
        told_to_stop(server)
        assert hanging.result().code == "MODEL_TIMEOUT"
        assert server.process.wait(10) == 0
        assert not is_alive(worker)


def test_a_deadline_longer_than_the_grace_period_does_not_keep_it(tmp_path):
    environment = ENVIRONMENT | {"MODEL_SERVER_TIMEOUT": "600"}
    with serving_failing_model(tmp_path, **environment) as server, ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(server.predict, picture(Mood.HOLD), PNG)
        assert eventually(lambda: inferences(tmp_path) == 1)
        worker, told = server.worker_pid(), told_to_stop(server)
        assert server.process.wait(KILLED_AFTER_S) == 0
        assert time.monotonic() - told < KILLED_AFTER_S - 2
        assert not is_alive(worker)
        assert isinstance(hanging.exception(), httpx.TransportError) or hanging.result().status in {503, 504}


@pytest.mark.parametrize("mood", [None, Mood.HANG, Mood.HOLD], ids=["idle", "hang", "hold"])
def test_a_worker_whose_front_is_killed_ends_by_itself(server, tmp_path, mood):
    with ThreadPoolExecutor(1) as pool:
        if mood is not None:
            asked = pool.submit(server.predict, picture(mood), PNG)
            assert eventually(lambda: inferences(tmp_path) == 1)
        worker = server.worker_pid()
        server.process.kill()
        assert server.process.wait(5) == -signal.SIGKILL
        assert eventually(lambda: not is_alive(worker), AT_ONCE_S)
        if mood is not None:
            assert isinstance(asked.exception(), httpx.TransportError)


def test_a_worker_that_is_killed_while_it_stops_does_not_keep_it(server, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        asked = busy(server, pool, tmp_path, 3, 1)
        told_to_stop(server)
        time.sleep(0.2)
        os.kill(server.worker_pid(), signal.SIGKILL)
        assert server.process.wait(KILLED_AFTER_S) in {0, 1}
        assert all(request.exception() is None for request in asked)
        assert asked[0].result().status == 502
        assert {request.result().status for request in asked[1:]} <= {200, 502, 503}
