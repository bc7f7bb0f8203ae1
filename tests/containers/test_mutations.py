"""Whatever is sent, the answer is one of the documented ones and says nothing about the inside."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import TABLE
from tests.containers.pictures import RED, encoded, oriented, solid

REFUSALS = {400, 413, 415, 422}
INSIDE = ("Traceback", "site-packages", "/work", "/tmp", ".py", "PIL", "openvino", "Error(")  # noqa: S108
TYPES = ["image/jpeg", "image/png", "image/webp", "application/json"]
IMAGE = base64.b64encode(encoded(solid(RED))).decode()

BODIES = [
    encoded(solid(RED), "JPEG"),
    oriented(solid(RED), 6, "JPEG"),
    encoded(solid(RED), "PNG"),
    encoded(solid(RED).convert("P"), "PNG", transparency=0),
    encoded(solid(RED), "WEBP"),
    json.dumps({"image": IMAGE, "top_k": 2, "threshold": 0.1}).encode(),
    json.dumps({"instances": [IMAGE, IMAGE]}).encode(),
]

edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(IMAGE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", "instances", "url", "top_k", "threshold", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def is_documented(reply) -> None:
    assert not any(word in reply.response.text for word in INSIDE), reply.response.text
    if reply.status != 200:
        assert reply.status in REFUSALS, reply.response.text
        assert TABLE[reply.code].status == reply.status


def mutated(body: bytes, changes) -> bytes:
    for where, cut, junk in changes:
        at = int(where * len(body))
        body = body[:at] + junk + body[at + cut :]
    return body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.sampled_from(BODIES), changes=edits, content_type=st.sampled_from(TYPES), fitting=st.booleans())
def test_a_mutated_request_is_answered_by_the_table(server, body, changes, content_type, fitting):
    if fitting:
        content_type = TYPES[[b"\xff\xd8", b"\x89P", b"RI", b'{"'].index(body[:2])]
    is_documented(server.predict(mutated(body, changes), content_type))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
def test_any_json_is_answered_by_the_table(server, value):
    is_documented(server.predict(json.dumps(value).encode(), "application/json"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.dictionaries(
        st.sampled_from(["accept", "x-request-id", "x-amzn-sagemaker-custom-attributes", "content-encoding", "te"]),
        st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=40).map(str.strip),
    )
)
def test_any_header_is_answered_by_the_table(server, headers):
    is_documented(server.predict(BODIES[0], **headers))


@pytest.fixture(scope="module", autouse=True)
def a_good_request_still_succeeds(server):
    yield
    assert server.predict(BODIES[0]).status == 200
