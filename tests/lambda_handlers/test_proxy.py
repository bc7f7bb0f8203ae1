"""The proxy's promises: bodies pass as bytes, errors leave by the one table, a retry happens once at most."""

import functools
import json
import operator
import re
import subprocess
import sys

import pytest
from botocore.stub import ANY

from contract.errors import TABLE
from contract.limits import TIMEOUTS

CONTAINER_REFUSALS = [code for code, error in TABLE.items() if error.status in (400, 415, 422, 502, 503)]


ANYTHING = dict.fromkeys(("EndpointName", "Body", "ContentType", "Accept", "CustomAttributes"), ANY)


def container_error(code: str) -> str:
    return json.dumps({"error": {"code": code, "message": "/opt/secret Traceback", "request_id": "x"}})


def test_lists_and_describes_the_models(proxy):
    assert [model["name"] for model in proxy.send("GET", "/models").content["models"]] == ["cats", "birds"]
    assert proxy.send("GET", "/models/{model}", "cats").content["name"] == "cats"


def test_passes_the_body_as_bytes_with_options_and_request_id(proxy):
    expected = {
        "EndpointName": "fovea-dev-cats-gpu",
        "Body": b"\xff\xd8\x00picture",
        "ContentType": "image/jpeg",
        "Accept": "application/json",
        "CustomAttributes": "request_id=11111111-2222-3333-4444-555555555555,top_k=3,threshold=0.5",
    }
    proxy.will_answer(b'{"predictions":[{"label":"tabby"}]}', expected)
    answer = proxy.predict(b"\xff\xd8\x00picture", query={"endpoint": "gpu", "top_k": "3", "threshold": "0.5"})
    assert (answer.status, answer.content) == (200, {"predictions": [{"label": "tabby"}]})
    assert answer.headers["Server-Timing"].endswith("decode;dur=1.5")
    assert answer.headers["X-Request-Id"] == "11111111-2222-3333-4444-555555555555"


def test_uses_the_first_endpoint_that_answers_at_once_unless_told_otherwise(proxy):
    proxy.will_answer(expected=ANYTHING | {"EndpointName": "fovea-dev-cats-serverless"})
    assert proxy.predict().status == 200


def test_asks_for_csv_when_the_caller_does(proxy):
    proxy.will_answer(b"tabby,0.9\n", ANYTHING | {"Accept": "text/csv"}, kind="text/csv")
    assert proxy.predict(headers={"accept": "text/csv"}).content == "tabby,0.9\n"


@pytest.mark.parametrize("accept", ["application/json, text/csv;q=0", "*/*", ""])
def test_reads_the_callers_preference_as_the_model_server_does(proxy, accept):
    proxy.will_answer(expected=ANYTHING | {"Accept": "application/json"})
    assert proxy.predict(headers={"accept": accept}).status == 200


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"model": "dogs"}, 404, "MODEL_NOT_FOUND"),
        ({"query": {"endpoint": "tpu"}}, 404, "ENDPOINT_NOT_FOUND"),
        ({"query": {"endpoint": "jobs"}}, 404, "ENDPOINT_NOT_FOUND"),
        ({"body": b""}, 400, "EMPTY_BODY"),
        ({"content_type": None}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content_type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content_type": "multipart/form-data; boundary=x"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"headers": {"content-encoding": "gzip"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"body": b"x" * 1001}, 413, "PAYLOAD_TOO_LARGE"),
        ({"query": {"top_k": "0"}}, 400, "INVALID_PARAMETER"),
        ({"query": {"top_k": "²"}}, 400, "INVALID_PARAMETER"),
        ({"query": {"threshold": "nan"}}, 400, "INVALID_PARAMETER"),
    ],
)
def test_refuses_before_it_wakes_an_endpoint(proxy, request_, status, code):
    refused = proxy.predict(**request_)
    assert (refused.status, refused.code) == (status, code)
    proxy.will_answer()
    assert proxy.predict().status == 200


def test_names_what_is_accepted_and_the_limit(proxy):
    assert "image/jpeg, image/png, application/json" in proxy.predict(content_type="a/b").content["error"]["message"]
    assert "1000 bytes" in proxy.predict(b"x" * 1001).content["error"]["message"]
    assert "has: serverless, gpu, web, zero." in proxy.predict(query={"endpoint": "x"}).content["error"]["message"]


@pytest.mark.parametrize("code", CONTAINER_REFUSALS)
def test_translates_each_of_the_containers_errors(proxy, code):
    error = TABLE[code]
    proxy.remaining_ms = 1000
    proxy.will_fail_in_container(error.status, container_error(code))
    refused = proxy.predict()
    assert (refused.status, refused.code) == (error.status, code)
    assert "opt" not in refused.content["error"]["message"]
    assert "documented" not in refused.content["error"]["message"]
    proxy.will_answer()
    assert proxy.predict().status == 200


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (0, "Your invocation timed out", "MODEL_TIMEOUT"),
        (500, "Traceback (most recent call last)", "MODEL_FAILED"),
        (503, "<html>busy</html>", "OVERLOADED"),
        (418, container_error("EMPTY_BODY"), "MODEL_FAILED"),
        (422, container_error("NO_SUCH_CODE"), "MODEL_FAILED"),
        (422, "[" * 100_000, "MODEL_FAILED"),
        (422, '{"error": 5}', "MODEL_FAILED"),
    ],
)
def test_gives_a_strange_container_error_a_code_of_ours(proxy, status, message, code):
    proxy.will_fail_in_container(status, message)
    assert proxy.predict().code == code


@pytest.mark.parametrize(
    ("aws_code", "http_status", "code"),
    [
        ("ThrottlingException", 429, "THROTTLED"),
        ("ModelNotReadyException", 429, "MODEL_NOT_READY"),
        ("ServiceUnavailable", 503, "OVERLOADED"),
        ("ValidationError", 400, "MODEL_NOT_DEPLOYED"),
        ("InternalFailure", 500, "INTERNAL_ERROR"),
        ("AccessDeniedException", 403, "INTERNAL_ERROR"),
        ("413", 413, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_translates_each_error_of_aws_without_a_word_of_it(proxy, aws_code, http_status, code):
    proxy.remaining_ms = 1000  # no time for a second try
    proxy.will_fail(aws_code, http_status)
    refused = proxy.predict()
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "arn" not in json.dumps(refused.content)
    expected_wait = TABLE[code].retry_after_s
    assert refused.headers.get("Retry-After") == (str(expected_wait) if expected_wait else None)


def test_retries_a_throttled_call_once_and_answers(proxy):
    proxy.will_fail("ThrottlingException", 429)
    proxy.will_answer()
    assert proxy.predict().status == 200


def test_gives_up_after_one_retry(proxy):
    proxy.will_fail("ModelNotReadyException", 429)
    proxy.will_fail("ModelNotReadyException", 429)
    assert proxy.predict().code == "MODEL_NOT_READY"


def test_does_not_retry_what_a_retry_cannot_mend(proxy):
    proxy.will_fail("ValidationError", 400)
    assert proxy.predict().code == "MODEL_NOT_DEPLOYED"


def test_does_not_pass_on_timings_that_are_not_timings(proxy):
    proxy.will_answer(attributes="<script>")
    assert "<" not in proxy.predict().headers["Server-Timing"]


def test_answers_a_defect_with_the_envelope(proxy, monkeypatch):
    monkeypatch.setitem(proxy.module.ROUTES, ("GET", "/models"), lambda _event, _context: 1 / 0)
    assert proxy.send("GET", "/models").code == "INTERNAL_ERROR"


def test_sets_every_timeout_and_leaves_retries_to_us(proxy):
    config = proxy.sagemaker.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (TIMEOUTS.sdk_connect_s, TIMEOUTS.sdk_read_s)
    assert config.retries["total_max_attempts"] == 1


def test_describes_itself_in_openapi(proxy):
    description = proxy.send("GET", "/openapi.json").content
    assert set(description["paths"]) == {resource for _, resource in proxy.module.ROUTES}
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(description))
    assert references
    for reference in references:
        assert functools.reduce(operator.getitem, reference.split("/"), description)
    assert set(description["paths"]["/models/{model}/predict"]["post"]["responses"]) >= {"200", "413", "504"}


def test_imports_nothing_but_the_standard_library_and_botocore():
    code = "import sys, lambda_handlers.proxy.runtime; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not loaded & {"pydantic", "numpy", "starlette", "aws_lambda_powertools", "boto3", "models"}
