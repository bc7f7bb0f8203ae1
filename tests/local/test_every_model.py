"""Every model through the whole local stack: each its own input, all of them at once, in the memory of a laptop."""

import psutil
import pytest

from contract.media import ACCEPTS
from models.registry import accepted
from tests.containers.every_model import MODELS, samples

ALL_SERVERS_BYTES = 3 * 1024**3


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


def predict(local, model, body, media_type):
    return local.predict(body, media_type, path=f"/models/{model.spec.name}/predict")


def test_it_is_listed_with_labels_types_and_endpoints(local, model):
    listed = {entry["name"]: entry for entry in local.request("GET", "/models").json()["models"]}
    assert set(listed) == set(MODELS)
    entry = listed[model.spec.name]
    assert entry["labels"] == list(model.labels.values())
    assert entry["accepts"] == list(accepted(model.spec))
    assert [endpoint["name"] for endpoint in entry["endpoints"]] == list(model.spec.endpoints)


def test_it_answers_its_samples_and_refuses_the_others(local, model):
    for body, media_type in samples(model):
        answer = predict(local, model, body, media_type)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == model.spec.name
    foreign = {kind for kinds in ACCEPTS.values() for kind in kinds} - set(accepted(model.spec))
    for media_type in foreign:
        refused = predict(local, model, b"\x00\x00\x00\x18ftypmp42", media_type)
        assert (refused.status_code, refused.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert all(kind in refused.json()["error"]["message"] for kind in accepted(model.spec))
    assert predict(local, model, *next(samples(model))).status_code == 200


def test_all_at_once_fit_a_laptop(local):
    for model in MODELS.values():
        for body, media_type in samples(model):
            assert predict(local, model, body, media_type).status_code == 200
    processes = [psutil.Process(local.process.pid), *local.children()]
    assert sum(process.memory_full_info().pss for process in processes) < ALL_SERVERS_BYTES
