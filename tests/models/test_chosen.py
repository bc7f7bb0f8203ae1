"""Some kinds of endpoints alone."""

import pytest

from models.chosen import KINDS, of_kinds
from models.registry import load_models
from models.spec import SpecError

MODELS = load_models()


def test_only_the_kinds_asked_for_are_left():
    chosen = of_kinds(MODELS, "serverless, lambda")
    assert [model.spec.name for model in chosen] == [model.spec.name for model in MODELS]
    assert {each.kind for model in chosen for each in model.spec.endpoints.values()} == {"serverless", "lambda"}


def test_a_model_with_none_of_them_is_left_out():
    assert [model.spec.name for model in of_kinds(MODELS, "lambda")] == ["brain-tumor"]


def test_all_kinds_are_everything():
    assert of_kinds(MODELS, ",".join(KINDS)) == list(MODELS)


@pytest.mark.parametrize("listed", ["gpu", "", "serverless,", "Serverless"])
def test_an_unknown_kind_is_told_with_the_known_ones(listed):
    with pytest.raises(SpecError, match=r"^kinds: '.*' is no kind of endpoint; give some of serverless,realtime"):
        of_kinds(MODELS, listed)


def test_nothing_left_is_told():
    without = [model for model in MODELS if model.spec.name == "face-mask"]
    with pytest.raises(SpecError, match=r"^kinds: no model has an endpoint of kind lambda; name another$"):
        of_kinds(without, "lambda")
