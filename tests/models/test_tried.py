"""What the context may say of one model: that it alone is there, and how it is served for a trial."""

import json

import pytest

from models.chosen import tried
from models.registry import load_models
from models.spec import SpecError

SMALL = {"serverless-1024": {"kind": "serverless", "memory_mb": 1024}}


@pytest.mark.parametrize(
    ("model", "endpoints", "line"),
    [
        ("mask", None, "model: 'mask' is no model here; use -c model= with one of brain-tumor, "),
        (None, json.dumps(SMALL), "endpoints: whose are they? Name a model too, such as -c model=face-mask"),
        ("face-mask", "{serverless", "endpoints: is not JSON; give such as "),
        ("face-mask", "{}", "endpoints: "),
        ("face-mask", '["serverless"]', "endpoints: "),
        ("face-mask", {"a": {"kind": "serverless", "memory_mb": 1000}}, "endpoints.a.memory_mb: 1000 is not offered"),
        ("face-mask", {"a": {"kind": "gpu"}}, 'endpoints.a.kind: give kind = "serverless", '),
        ("face-mask", {"A": {"kind": "serverless"}}, "endpoints.A: 'A' does not fit; use lower case letters"),
        ("face-mask", {"a": {"kind": "lambda", "instance_type": "ml.m5.large"}}, "endpoints.a.instance_type: a Lambda"),
    ],
)
def test_what_cannot_be_tried_is_told_in_a_line(model, endpoints, line):
    with pytest.raises(SpecError) as refused:
        tried(load_models(), model, endpoints)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    (good,) = tried(load_models(), "face-mask", SMALL)
    assert list(good.spec.endpoints) == ["serverless-1024"]


def test_json_and_tables_say_the_same_and_what_is_tried_is_not_trained():
    (of_text,), (of_tables,) = (tried(load_models(), "face-mask", each) for each in (json.dumps(SMALL), SMALL))
    assert of_text == of_tables
    assert of_text.spec.training is None
    assert of_text.spec.endpoints["serverless-1024"].memory_mb == 1024


def test_without_a_word_all_models_are_as_they_are():
    assert tried(load_models(), None, None) == load_models()
    (alone,) = tried(load_models(), "brain-tumor", None)
    assert alone == load_models()[0]
