"""Memory that runs out, under a limit set on the running processes: refused or failed, never dead for good."""

import resource
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contract.limits import IMAGES
from tests.containers.pictures import RED, encoded, solid
from tests.faults.failing_scripts import GOOD, MIB, PNG, Mood, picture, serving_failing_model
from tests.faults.fault_requests import memory_grows_less_than
from tests.faults.slow_clients import connected, eventually, head

CLIENTS = 8
MEMORY = 96 * MIB  # arenas that were opened while pictures were decoded; one picture kept would be 150
RESTART_S = 10.0
ROOM = 100 * MIB  # a picture of the most pixels takes 150 MB
FRONT_ROOM = 16 * MIB  # three bodies of the largest size
LARGEST_BODY = 6 * MIB
SHORT = {503, 422, 502}
ENVIRONMENT = {"MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_QUEUE": "16", "MODEL_SERVER_TIMEOUT": "20"}
LIMITS = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}


@pytest.fixture
def server(tmp_path):
    with serving_failing_model(tmp_path, **ENVIRONMENT) as started:
        for _ in range(10):
            started.predict(GOOD, PNG)
        yield started


@pytest.fixture(scope="module")
def legal_giant() -> bytes:
    """A picture of nearly as many pixels as are allowed, in a small file."""
    side = int(IMAGES.max_pixels**0.5)
    return encoded(solid(RED, (side, side)))


def limit(pid: int, name: str, room: int) -> None:
    """Lets the process take `room` bytes more than it has, by the limit called `name`."""
    status = Path(f"/proc/{pid}/status").read_text()
    taken = int(status.split(f"{LIMITS[name]}:")[1].split()[0]) * 1024
    resource.prlimit(pid, getattr(resource, name), (taken + room, resource.RLIM_INFINITY))


def all_at_once(server, body: bytes) -> Counter[int]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(pool.map(lambda _: server.predict(body, PNG).status, range(CLIENTS)))


def serves_again(server) -> bool:
    return eventually(lambda: server.predict(GOOD, PNG).status == 200, RESTART_S)


@pytest.mark.parametrize("name", LIMITS)
def test_pictures_too_large_for_the_workers_memory_are_refused_and_the_next_good_one_answered(
    server, legal_giant, name
):
    all_at_once(server, legal_giant)  # what the allocator keeps of a giant is there before
    with memory_grows_less_than(server, MEMORY):
        for _ in range(3):
            limit(server.worker_pid(), name, ROOM)
            statuses = all_at_once(server, legal_giant)
            assert set(statuses) <= {200, *SHORT}, statuses
            assert statuses[200] < CLIENTS  # one may fit into what the allocator had kept
            assert serves_again(server)
            assert server.ping() == 200
    assert server.process.poll() is None
    assert "Traceback" not in server.said()


@pytest.mark.parametrize("name", LIMITS)
def test_a_model_that_allocates_without_end_fails_alone(server, name):
    limit(server.worker_pid(), name, ROOM)
    with memory_grows_less_than(server, 2 * ROOM):  # what it took may wait for the garbage collector, once
        for _ in range(3):
            reply = server.predict(picture(Mood.ALLOCATE), PNG)
            assert (reply.status, reply.code) in {(502, "MODEL_FAILED"), (503, "OVERLOADED")}
            assert serves_again(server)
    assert server.process.poll() is None


@pytest.mark.parametrize("name", LIMITS)
def test_bodies_too_large_for_the_fronts_memory_are_refused_and_the_next_good_one_answered(server, name):
    limit(server.process.pid, name, FRONT_ROOM)
    body = GOOD + bytes(LARGEST_BODY - len(GOOD))  # what follows a picture is not read
    with memory_grows_less_than(server, MEMORY):
        for _ in range(3):
            statuses = all_at_once(server, body)
            assert set(statuses) <= {200, *SHORT}, statuses
            assert serves_again(server)
            assert server.ping() == 200
    assert server.process.poll() is None
    assert "Traceback" not in server.said()


def test_lengths_that_are_announced_take_no_memory(server):
    """A head that promises six megabytes is answered before they are there; until then it is only a promise."""
    with memory_grows_less_than(server, MEMORY):
        clients = [connected(server) for _ in range(16)]
        for client in clients:
            client.sendall(head(LARGEST_BODY))
        assert server.predict(GOOD, PNG).status == 200
        for client in clients:
            client.close()
    assert server.predict(GOOD, PNG).status == 200
