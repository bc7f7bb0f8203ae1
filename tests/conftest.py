"""What tests of several rooms share: the local run and a real photograph."""

import pytest

from experiments.local_run import start_local
from images.docker import DockerError, check_engine
from tests.local_run import FUNDUS, Caller


@pytest.fixture(scope="session", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def local(request, tmp_path_factory):
    """In both of its forms: endpoints as processes, and as containers of their images."""
    if request.param == "docker":
        request.getfixturevalue("engine")
    options = ["--docker"] if request.param == "docker" else []
    with start_local(tmp_path_factory.mktemp("local"), *options) as started:
        yield Caller(started)


@pytest.fixture(scope="session")
def engine():
    """Skips where no container engine answers."""
    try:
        check_engine()
    except DockerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def fundus() -> bytes:
    return FUNDUS.read_bytes()
