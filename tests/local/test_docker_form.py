"""The local run with containers for endpoints: they come with the first call, go when idle, and none is left behind."""

import signal
from collections.abc import Iterator

import pytest

from experiments.local_run import start_local, wait_until
from images.docker import engine_says
from tests.local_run import Caller

pytestmark = pytest.mark.docker


@pytest.fixture
def idle_s() -> str:
    return "300"


@pytest.fixture
def run(engine, tmp_path, idle_s) -> Iterator[Caller]:  # noqa: ARG001 skips
    with start_local(tmp_path, "--docker", f"--idle-s={idle_s}") as started:
        yield Caller(started)


def containers(run: Caller) -> list[str]:
    """The names of the containers that this run has started."""
    names = engine_says("ps", "--format", "{{.Names}}").splitlines()
    return [name for name in names if f"-{run.process.pid}-" in name]


@pytest.mark.parametrize("idle_s", ["1"])
def test_a_serverless_endpoint_is_a_container_while_it_is_used(run, fundus):
    assert not containers(run)
    for _ in range(2):
        assert run.predict(fundus).status_code == 200
        assert len(containers(run)) == 1
        assert wait_until(lambda: not containers(run))


def test_a_killed_container_costs_at_most_its_own_requests(run, fundus):
    assert run.predict(fundus).status_code == 200
    (name,) = containers(run)
    engine_says("kill", name)
    assert run.predict(fundus).status_code in (200, 502)
    assert run.predict(fundus).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_leaves_no_container_behind(run, fundus, number):
    assert run.predict(fundus).status_code == 200
    assert containers(run)
    run.process.send_signal(number)
    assert run.process.wait(30) == 0
    assert not containers(run)
