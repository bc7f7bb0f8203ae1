"""Hoards of connections that ask nothing: the one idle longest gives way to who comes next.

The server has the 1,024 open files that a process usually gets; the clients raise their own limit.
"""

import socket
from contextlib import ExitStack, suppress

import pytest

from tests.faults.failing_scripts import GOOD, MIB, PNG, serving_failing_model
from tests.faults.fault_requests import QUICK_S, memory_grows_less_than, slowest_good_s
from tests.faults.slow_clients import PING, asking, connected, eventually, files, head, open_files, read_answer

HOARD = 1500
MOST_CONNECTIONS = 1000
USUAL_FILES = 1024
MEMORY = 32 * MIB  # a thousand connections of 10 to 20 KB each, and what the allocator rounds up


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ExitStack() as stack:
        with open_files(USUAL_FILES):
            started = stack.enter_context(serving_failing_model(tmp_path_factory.mktemp("idle")))
        stack.enter_context(open_files(2 * HOARD))
        started.predict(GOOD, PNG)
        yield started


def is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return bool(client.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def quiet(_client: socket.socket) -> None:
    """Says nothing."""


def asked_ping(client: socket.socket) -> None:
    client.sendall(PING)
    assert read_answer(client).startswith(b"HTTP/1.1 200 ")


def asked_prediction(client: socket.socket) -> None:
    client.sendall(asking(GOOD))
    assert read_answer(client).startswith(b"HTTP/1.1 200 ")


def half_a_head(client: socket.socket) -> None:
    client.sendall(head(len(GOOD))[:20])


@pytest.mark.parametrize("first", [asked_ping, asked_prediction, quiet, half_a_head])
def test_a_hoard_keeps_nobody_out(server, first):
    before = files(server.process.pid)
    with memory_grows_less_than(server, MEMORY), ExitStack() as hoard:
        clients = []
        for _ in range(HOARD):
            clients.append(hoard.enter_context(connected(server)))
            first(clients[-1])
        assert slowest_good_s(server) < QUICK_S
        with connected(server) as newcomer:
            asked_ping(newcomer)
        assert eventually(lambda: sum(is_open(client) for client in clients) <= MOST_CONNECTIONS)
        assert not is_open(clients[0])
        assert server.ping() == 200
    assert eventually(lambda: files(server.process.pid) <= before)
    assert server.predict(GOOD, PNG).status == 200


def test_a_hoard_does_not_push_out_who_is_being_answered(server):
    """A body under way, begun before the hoard: its connection is not idle, however old it is."""
    with ExitStack() as hoard, connected(server) as early:
        early.sendall(head(len(GOOD)) + GOOD[:20])
        for _ in range(HOARD):
            with suppress(ConnectionError):
                asked_ping(hoard.enter_context(connected(server)))
        early.sendall(GOOD[20:])
        assert read_answer(early).startswith(b"HTTP/1.1 200 ")
    assert server.predict(GOOD, PNG).status == 200


def test_a_hoard_does_not_keep_it_from_stopping(tmp_path):
    with serving_failing_model(tmp_path) as server, ExitStack() as hoard:
        for _ in range(100):
            asked_ping(hoard.enter_context(connected(server)))
        assert server.stop() == 0
