"""A model that is a function, in the local run: through the gateway, and by boto3's Invoke, with Lambda's errors."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from botocore.exceptions import ClientError

from contract.errors import TABLE
from contract.limits import BODIES, MIB
from experiments.local_run import start_local, wait_until
from models.registry import ROOT
from tests.local_run import Caller

PREDICT = "/models/brain-tumor/predict"
WEB = f"{PREDICT}?endpoint=web"
FUNCTION = "fovea-dev-brain-tumor-web"
SCAN = (ROOT / "models/brain_tumor/samples/drawn_yes.png").read_bytes()


@pytest.fixture(scope="module")
def invoke(local):
    client = local.client("lambda", read_timeout=70)

    def call(event: object, name: str = FUNCTION, **more):
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        answer = client.invoke(FunctionName=name, Payload=payload, **more)
        return answer, json.loads(answer["Payload"].read())

    return call


def direct(body: bytes = SCAN, media_type: str = "image/png") -> dict:
    encoded = base64.b64encode(body).decode()
    return {"headers": {"content-type": media_type}, "body": encoded, "isBase64Encoded": True}


def test_the_function_answers_as_the_serverless_endpoint_does(local):
    answer = local.predict(SCAN, "image/png", WEB)
    assert answer.status_code == 200, answer.text
    assert answer.json() == local.predict(SCAN, "image/png", PREDICT).json()
    assert {timing.split(";")[0] for timing in answer.headers["server-timing"].split(",")} >= {"lambda", "decode"}


def test_the_function_honours_options_and_csv(local):
    assert len(local.predict(SCAN, "image/png", f"{WEB}&top_k=1").json()["predictions"]) == 1
    row = local.predict(SCAN, "image/png", f"{WEB}&top_k=1", headers={"accept": "text/csv"}).text.strip()
    assert row.split(",")[0] == local.predict(SCAN, "image/png", WEB).json()["predictions"][0]["label"]


REFUSALS = {
    "a text named png": ({"body": b"hello there"}, "UNSUPPORTED_MEDIA_TYPE"),
    "a cut PNG": ({"body": SCAN[:500]}, "IMAGE_UNDECODABLE"),
    "broken JSON": ({"body": b"{", "content_type": "application/json"}, "MALFORMED_JSON"),
    "other JSON": ({"body": b"{}", "content_type": "application/json"}, "INVALID_REQUEST"),
    "top_k": ({"path": f"{WEB}&top_k=0"}, "INVALID_PARAMETER"),
    "over the limit": ({"body": b"\x89PNG\r\n\x1a\n" + bytes(BODIES.through_function)}, "PAYLOAD_TOO_LARGE"),
}


@pytest.mark.parametrize(("request_", "code"), REFUSALS.values(), ids=REFUSALS)
def test_refuses_with_its_own_code_and_then_answers_a_good_request(local, request_, code):
    refused = local.predict(**{"body": SCAN, "content_type": "image/png", "path": WEB} | request_)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (TABLE[code].status, code)
    assert error["request_id"] == refused.headers["x-amzn-requestid"]
    assert "documented" not in refused.text
    assert local.predict(SCAN, "image/png", WEB).status_code == 200


def test_takes_the_largest_body_that_the_api_lets_through(local):
    picture = SCAN + bytes(BODIES.through_function - len(SCAN))  # a PNG ends at its last chunk
    assert local.predict(picture, "image/png", WEB).status_code == 200


def test_boto3_itself_gets_the_prediction_and_the_description(local, invoke):
    response, answer = invoke(direct())
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in response
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == local.predict(SCAN, "image/png", WEB).json()
    url = {"requestContext": {"http": {"method": "GET"}}, "rawPath": "/ping"}
    assert json.loads(invoke(url)[1]["body"])["model"] == "brain-tumor"


@pytest.mark.parametrize(
    ("event", "more", "status", "code"),
    [
        (direct(), {"name": "nowhere"}, 404, "ResourceNotFoundException"),
        (b"{", {}, 400, "InvalidRequestContentException"),
        (direct(bytes(5 * MIB)), {}, 413, "RequestTooLargeException"),
        (direct(), {"InvocationType": "Event"}, 400, "InvalidParameterValueException"),
    ],
)
def test_boto3_sees_the_errors_that_lambda_would_send(invoke, event, more, status, code):
    with pytest.raises(ClientError) as caught:
        invoke(event, **more)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)
    assert invoke(direct())[1]["statusCode"] == 200


def test_starts_an_environment_for_each_client_and_refuses_one_too_many(local, invoke):
    def outcome(_) -> object:
        try:
            return invoke(direct())[1]["statusCode"]
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(12) as pool:
        outcomes = set(pool.map(outcome, range(12)))
    assert outcomes == {200, "TooManyRequestsException"}
    assert 2 <= len(local.functions()) <= 10
    assert local.predict(SCAN, "image/png", WEB).status_code == 200


def test_its_log_is_json(local):
    local.predict(SCAN, "image/png", WEB)
    (log,) = [log for log in local.logs if log.name == f"{FUNCTION}.log"]
    assert {json.loads(line)["message"] for line in log.read_text().splitlines()} >= {"ready", "invocation"}


def test_a_dead_environment_is_replaced(local, invoke):
    invoke(direct())
    dying = local.functions()
    assert dying
    for process in dying:
        process.kill()
    psutil.wait_procs(dying, 10)
    assert local.predict(SCAN, "image/png", WEB).status_code == 200


def test_stops_when_idle_and_starts_again(tmp_path):
    with start_local(tmp_path, "--idle-s=1") as started:
        caller = Caller(started)
        assert caller.predict(SCAN, "image/png", WEB).status_code == 200
        assert caller.functions()
        assert wait_until(lambda: not caller.functions())
        begun = time.monotonic()
        assert caller.predict(SCAN, "image/png", WEB).status_code == 200
        assert time.monotonic() - begun < 20
