"""The life of a container: what it was asked is finished before it stops; a model it cannot serve ends it at once."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from tests.containers.every_model import MODELS, model_dir, samples
from tests.containers.scripts.archives import Double, archive
from tests.images.container import Container, running

pytestmark = pytest.mark.docker
CLIENTS = 16


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture
def folder(model, tmp_path):
    return model_dir(model, tmp_path)


@pytest.fixture
def tag(images, model):
    return images[model.spec.model.container].tag


def test_requests_in_flight_are_answered_before_it_stops(tag, model, folder, isolated):
    body, media_type = max(samples(model))
    with running(tag, folder, isolated, 4096) as container, ThreadPoolExecutor(CLIENTS + 1) as pool:
        container.wait_until_ready()
        answers = [pool.submit(container.predict, body, media_type) for _ in range(CLIENTS)]
        wait(answers, return_when=FIRST_COMPLETED)
        in_flight = [answer for answer in answers if not answer.done()]
        stopped = pool.submit(container.stop)
        assert in_flight
        assert [answer.result().status for answer in answers] == [200] * CLIENTS
        stopped.result()
        assert container.wait() == 0
        assert container.log_lines()[-1]["message"] == "stopped"


def test_a_damaged_archive_ends_it_with_one_clear_line(tag, folder, isolated):
    read = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pth"]  # which GPUs read
    largest = max(read, key=lambda file: file.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
    with running(tag, folder, isolated, 4096) as container:
        assert told_and_gone(container)["reason"]


def test_an_archive_without_a_model_toml_ends_it_with_one_clear_line(tag, folder, isolated):
    (folder / "model.toml").unlink()
    with running(tag, folder, isolated, 4096) as container:
        assert "model.toml" in told_and_gone(container)["reason"]


def test_a_script_that_does_not_load_ends_its_container_with_one_clear_line(images, isolated, tmp_path):
    folder = archive(tmp_path / "script", "import nowhere_to_be_found", Double())
    with running(images["pytorch_script"].tag, folder, isolated) as container:
        assert "nowhere_to_be_found" in str(told_and_gone(container))


def told_and_gone(container: Container) -> dict:
    """The one error line of a container that ends without having been ready."""
    assert container.wait() == 1
    (error,) = (line for line in container.log_lines() if line["level"] == "error")
    return error
