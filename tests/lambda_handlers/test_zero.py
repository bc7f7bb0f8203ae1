"""An endpoint that scales to zero: asked for its component, and told apart from one that is not there."""

import pytest
from botocore.stub import ANY

NO_COPY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
ZERO = {"endpoint": "zero"}


def test_asks_for_the_component_of_an_endpoint_that_has_one(proxy):
    expected = dict.fromkeys(("EndpointName", "Body", "ContentType", "Accept", "CustomAttributes"), ANY)
    proxy.will_answer(expected=expected | {"InferenceComponentName": "fovea-dev-cats-zero"})
    assert proxy.predict(query=ZERO).status == 200


def test_says_that_a_copy_is_coming_and_does_not_ask_again_in_vain(proxy):
    proxy.will_say("ValidationError", 400, NO_COPY)  # a second call would find no answer in the stub, and fail
    refused = proxy.predict(query=ZERO)
    assert (refused.status, refused.code) == (503, "MODEL_NOT_READY")
    assert refused.headers["Retry-After"] == "60"
    assert "nference" not in str(refused.content)
    assert "Scaling" not in str(refused.content)
    proxy.will_answer()
    assert proxy.predict(query=ZERO).status == 200


@pytest.mark.parametrize(
    ("query", "message"),
    [(ZERO, "Endpoint of this name not found."), ({"endpoint": "gpu"}, NO_COPY)],
    ids=["absent", "no component"],
)
def test_any_other_validation_error_stays_what_it_was(proxy, query, message):
    proxy.will_say("ValidationError", 400, message)
    assert proxy.predict(query=query).code == "MODEL_NOT_DEPLOYED"
