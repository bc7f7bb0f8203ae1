"""Every model in its image, as SageMaker runs it: ready in seconds, right on its samples, cut off from the network."""

import pytest

from images.docker import engine_says
from models.endpoints import ServerlessEndpoint
from tests.containers.every_model import MODELS, model_dir, python_of, samples
from tests.containers.server_process import serving
from tests.images.container import running

pytestmark = pytest.mark.docker

_NO_WAY_OUT = """
import socket
try:
    socket.create_connection(("1.1.1.1", 443), 2)
except OSError as error:
    print("refused:", error)
"""


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return model_dir(model, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def memory_mb(model):
    return next(
        endpoint.memory_mb for endpoint in model.spec.endpoints.values() if type(endpoint) is ServerlessEndpoint
    )


@pytest.fixture(scope="module")
def container(images, isolated, model, folder, memory_mb):
    with running(images[model.spec.model.container].tag, folder, isolated, memory_mb) as started:
        started.wait_until_ready()
        yield started


def test_it_answers_its_samples_as_the_process_does(container, model, folder, tmp_path):
    with serving(folder, tmp_path / "server.log", python=python_of(model)) as process:
        for body, media_type in samples(model):
            answer = container.predict(body, media_type)
            assert answer.status == 200, answer.response.text
            assert rounded(answer.json()) == rounded(process.predict(body, media_type).json())


def rounded(value):
    """The same with each number to three places: another build of a library may differ in the last ones."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def test_it_reaches_nobody(container):
    said = engine_says("exec", container.name, "python", "-c", _NO_WAY_OUT)
    assert said.startswith("refused:")


def test_it_writes_json_and_no_warning(container, model):
    assert container.predict(b"", "image/jpeg").code in ("EMPTY_BODY", "UNSUPPORTED_MEDIA_TYPE")
    lines = container.log_lines()
    assert {"listening", "ready"} <= {line["message"] for line in lines}
    (ready,) = (line for line in lines if line["message"] == "ready")
    assert ready["model"] == model.spec.name
    assert [line for line in lines if line["level"] in ("warning", "error")] == []
    body, media_type = next(samples(model))
    assert container.predict(body, media_type).status == 200


def test_it_runs_as_root_and_within_its_memory(container):
    assert engine_says("exec", container.name, "id", "-u") == "0"  # SageMaker's own choice
    assert engine_says("inspect", "--format", "{{.State.OOMKilled}}", container.name) == "false"
