"""Every model, whatever it is: served by a real process, parity of its engines, refusal of what is not its input."""

import numpy as np
import pytest

from contract.media import ACCEPTS
from model_server.engines import choose_engine
from model_server.scores import probabilities
from models.registry import accepted
from tests.containers.every_model import MODELS, free_axes, inputs, model_dir, python_of, samples
from tests.containers.server_process import serving

TOLERANCE = 1e-3
OTHER_BODIES = {
    "image/png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "video/mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(100),
    "text/csv": b"1,2,3",
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return model_dir(model, tmp_path_factory.mktemp("every"))


@pytest.fixture(scope="module")
def server(model, folder, tmp_path_factory):
    log = tmp_path_factory.mktemp("logs") / "server.log"
    with serving(folder, log, python=python_of(model)) as started:
        yield started


def test_it_is_ready_on_openvino_without_a_warning(server):
    (ready,) = (line for line in server.log_lines() if line["message"] == "ready")
    assert ready["engine"] == "openvino"
    assert not [line for line in server.log_lines() if line["level"] in ("warning", "error")]


def test_it_answers_its_own_samples_alike_each_time(server, model):
    for body, media_type in samples(model):
        answer = server.predict(body, media_type)
        assert answer.status == 200, answer.response.text
        content = answer.json()
        assert (content["model"], content["version"]) == (model.spec.name, model.spec.model.version)
        assert content["notice"] == model.spec.model.notice
        assert server.predict(body, media_type).json() == content


def test_it_answers_as_csv(server, model):
    body, media_type = next(samples(model))
    answer = server.predict(body, media_type, accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.response.text.count("\n") == 1


def test_it_refuses_what_others_take_and_goes_on(server, model):
    for media_type, other in OTHER_BODIES.items():
        if media_type not in accepted(model.spec):
            refused = server.predict(other, media_type)
            assert (refused.status, refused.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for announced in set(ACCEPTS[model.spec.model.task]) - {"application/json"}:
        assert server.predict(b"hello there", announced).code == "UNSUPPORTED_MEDIA_TYPE"
    assert server.predict(b"{", "application/json").code == "MALFORMED_JSON"
    assert server.predict(b"{}", "application/json").status == 400
    assert server.predict(*next(samples(model))).status == 200


def test_openvino_answers_as_the_models_own_framework_does(model, folder):
    given = inputs(model, count=20)
    answers = {}
    for name in ("openvino", model.spec.model.framework):
        engine = choose_engine(name)
        engine.load(folder)
        engine.warm_up(given[0], free_axes(model))
        answers[name] = [engine.infer(x) for x in given]
    distances = [distance(model, ours, native) for ours, native in zip(*answers.values(), strict=True)]
    assert max(distances) <= TOLERANCE


def distance(model, ours, native) -> float:
    """The largest difference between the scores, and for a detector between the boxes of all that it sees."""
    if model.spec.model.task != "object-detection":
        first, second = (probabilities(next(iter(found.values())), model.spec.output) for found in (ours, native))
        return float(np.abs(first - second).max())
    seen = native["detection_scores"] > 0.05
    gaps = [np.abs(ours["detection_scores"] - native["detection_scores"]).max()]
    gaps.append(np.abs(ours["detection_boxes"] - native["detection_boxes"])[seen].max(initial=0))
    return float(max(gaps))
