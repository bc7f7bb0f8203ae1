"""Model folders, exported once, and servers for them, started once."""

import os

import pytest

from tests.containers.server_process import Server, serving

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def model_dirs(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def colours(model_dirs):
    """The folder of a small model that knows red, green and blue."""
    from tests.containers.exported import export_colours  # noqa: PLC0415 TensorFlow takes seconds

    return export_colours(model_dirs / "colours")


@pytest.fixture(scope="session")
def moody(model_dirs, logs):
    """A server, on TensorFlow, of a model that gives NaN for white and raises for black."""
    from tests.containers.exported import export_moody  # noqa: PLC0415

    environment = {"MODEL_SERVER_ENGINE": "tensorflow"}
    with serving(export_moody(model_dirs / "moody"), logs / "moody.log", **environment) as started:
        yield started


@pytest.fixture(scope="session")
def server(colours, logs):
    """A server of `colours` on OpenVINO, for all tests that leave it as they found it."""
    with serving(colours, logs / "colours.log") as started:
        yield started


@pytest.fixture
def start(tmp_path):
    """Starts a server without waiting for it; none outlives the test."""
    servers = []

    def started(model_dir, **environment) -> Server:
        servers.append(Server(model_dir, tmp_path / "server.log", **environment))
        return servers[-1]

    yield started
    for server in servers:
        server.process.kill()
        server.process.wait()
