"""A model that fails, or answers in a form of its own, is itself to blame and is told so; its files are not."""

import re
from pathlib import Path

import pytest

from models.archive import pack
from tests.containers.scripts.archives import archive
from tests.training.evaluation.conftest import FACE_MASK
from training.errors import UnusableModel
from training.evaluation.classification import Classification
from training.evaluation.evaluate import evaluate
from training.evaluation.served import Refusal, served

ANSWERS = """
import json
def model_fn(model_dir): return None
def input_fn(body, content_type): return len(body)
def predict_fn(size, model): return {fault}
def output_fn(size, accept): return json.dumps({answer}), accept
"""
RIGHT = '{"predictions": [{"label": "b", "score": 0.75}, {"label": "a", "score": 0.25}]}'


@pytest.fixture
def data(tmp_path) -> Path:
    for label in "ab":
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / "body.json").write_text("{}")
    return tmp_path / "data"


def scripted(folder: Path, answer: str, fault: str = "size") -> Path:
    return archive(folder, ANSWERS.replace("{fault}", fault).replace("{answer}", answer))


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        ("size", "1 / 0", r"the candidate fails on .*body.json: MODEL_FAILED"),
        ("[0.25, 0.75]", "size", "the candidate answers in a form of its own"),
        ('{"predictions": [{"label": "b"}]}', "size", "answers in a form of its own"),
        ('{"predictions": [{"label": "c", "score": 1}]}', "size", "answers 'c', which is no label of it"),
    ],
)
def test_a_model_that_cannot_be_measured_is_blamed_itself(tmp_path, data, answer, fault, words):
    with pytest.raises(UnusableModel, match=words):
        evaluate(scripted(tmp_path / "faulty", answer, fault), None, data, 0.02)
    assert Path.cwd().is_dir()  # a script goes elsewhere, and does not take the evaluation along
    told = evaluate(scripted(tmp_path / "good", RIGHT), None, data, 0.02)
    assert told.summary["measures"]["accuracy"]["candidate"]["value"] == 0.5
    assert told.report["candidate"]["confusion"] == [[0, 1], [0, 1]]


def test_two_scripts_are_not_compared_in_one_process(tmp_path, data):
    one, other = (scripted(tmp_path / name, RIGHT) for name in ("one", "other"))
    with pytest.raises(UnusableModel, match="evaluate each alone"):
        evaluate(one, other, data, 0.02)
    assert evaluate(one, None, data, 0.02).summary["examples"] == 2


def test_a_model_is_served_from_wherever_it_lies(tmp_path, faces):
    pack(FACE_MASK / "model.toml", FACE_MASK / "artifact", tmp_path / "model.tar.gz")
    file = next(faces.rglob("*.png"))
    (tmp_path / "none.png").write_bytes(b"GIF89a")
    answers = []
    for place in (FACE_MASK, tmp_path, tmp_path / "model.tar.gz"):
        with served(place, "candidate") as model:
            task = Classification(model.spec, model.labels)
            scores, refusal = model.answers([file, tmp_path / "none.png"], task.options, task.read)
            assert refusal == Refusal("UNSUPPORTED_MEDIA_TYPE")
            answers.append([round(float(score), 5) for score in scores])
    assert answers[0] == answers[1] == answers[2]
    assert sum(answers[0]) == pytest.approx(1, abs=1e-4)


def test_names_what_is_missing_in_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(UnusableModel, match=re.escape(f"the candidate, {tmp_path}, cannot be served: ")) as refusal:
        evaluate(tmp_path, None, tmp_path, 0.02)
    assert "model.toml" in refusal.value.line
