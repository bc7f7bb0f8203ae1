"""How the local run starts, survives and stops: cold starts are real, and nothing is left behind."""

import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from experiments.local_run import start_local, wait_until
from models.registry import ROOT
from tests.local_run import Caller


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory):
    with start_local(tmp_path_factory.mktemp("life"), "--idle-s=1") as started:
        yield Caller(started)


def test_a_serverless_endpoint_starts_on_the_first_call_and_stops_when_idle(short_lived, fundus):
    assert not short_lived.servers()
    for _ in range(2):
        started = time.monotonic()
        assert short_lived.predict(fundus).status_code == 200
        cold_s = time.monotonic() - started
        assert len(short_lived.servers()) == 1
        started = time.monotonic()
        assert short_lived.predict(fundus).status_code == 200
        assert time.monotonic() - started < cold_s
        assert wait_until(lambda: not short_lived.servers())


def test_a_killed_model_server_costs_at_most_its_own_requests(short_lived, fundus):
    assert short_lived.predict(fundus).status_code == 200
    [server] = short_lived.servers()
    server.kill()
    assert short_lived.predict(fundus).status_code in (200, 502)
    assert short_lived.predict(fundus).status_code == 200


def test_a_killed_function_costs_at_most_its_own_requests(short_lived, fundus):
    assert short_lived.predict(fundus).status_code == 200
    for child in short_lived.children():
        if any("function_worker" in word for word in child.cmdline()):
            child.kill()
    assert short_lived.predict(fundus).status_code in (200, 500)
    assert short_lived.predict(fundus).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_leaves_no_process_behind(tmp_path, fundus, number):
    with start_local(tmp_path) as started:
        local = Caller(started)
        assert local.predict(fundus).status_code == 200
        children = local.children()
        assert len(children) == 4  # S3, the function, the model server, and the process that holds its model
        local.process.send_signal(number)
        assert local.process.wait(30) == 0
        assert not psutil.wait_procs(children, timeout=5)[1]
        assert "Stopped." in local.said


def test_a_busy_port_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "local", f"--port={port}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == f"Port {port} is in use. Stop what uses it, or choose another: make local PORT={port + 1}\n"


def test_an_unknown_stage_is_one_clear_line(tmp_path):
    command = [sys.executable, "-m", "local", "--port=0", "--stage=moon", f"--out={tmp_path / 'out'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "dev, beta" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["-1", "65536", "http", ""])
def test_a_port_that_is_none_says_so(port):
    command = [sys.executable, "-m", "local", f"--port={port}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a port; choose 1 to 65535" in done.stderr
