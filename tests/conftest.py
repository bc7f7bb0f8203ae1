"""What tests of several rooms share: the local run and a real photograph."""

import pytest

from experiments.local_run import start_local
from tests.local_run import FUNDUS, Caller


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    with start_local(tmp_path_factory.mktemp("local")) as started:
        yield Caller(started)


@pytest.fixture(scope="session")
def fundus() -> bytes:
    return FUNDUS.read_bytes()
