"""One photograph through gateway, real handler, real boto client, real model server; and every refusal on the way."""

import base64
import io
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from contract.errors import TABLE
from contract.limits import MIB
from models.registry import load_models, public_description
from tests.local_run import FUNDUS, PREDICT

SERVERLESS = "fovea-dev-diabetic-retinopathy-serverless"
GPU = "fovea-dev-diabetic-retinopathy-gpu"


def image(kind: str, size=(64, 64), **save) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (120, 60, 20)).save(out, kind, **save)
    return out.getvalue()


def animated() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (0, 200)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    return out.getvalue()


def as_json(**content) -> bytes:
    return json.dumps(content).encode()


def test_grades_a_fundus_photograph(local, fundus):
    answer = local.predict(fundus)
    content = answer.json()
    assert answer.status_code == 200, content
    scores = [prediction["score"] for prediction in content["predictions"]]
    assert len(scores) == 5
    assert sum(scores) == pytest.approx(1, abs=1e-3)
    assert scores == sorted(scores, reverse=True)
    assert "not for clinical use" in content["notice"]
    assert {timing.split(";")[0] for timing in answer.headers["server-timing"].split(",")} >= {"sagemaker", "decode"}


def test_gives_the_same_answer_for_bytes_base64_and_the_other_endpoint(local, fundus):
    raw = local.predict(fundus).json()
    encoded = base64.b64encode(fundus).decode()
    assert local.predict(as_json(image=encoded), "application/json").json() == raw
    assert local.predict(fundus, path=f"{PREDICT}?endpoint=gpu").json() == raw
    many = local.predict(as_json(instances=[encoded, encoded]), "application/json").json()
    assert [instance["predictions"] for instance in many["instances"]] == [raw["predictions"]] * 2


def test_honours_top_k_threshold_and_csv(local, fundus):
    best = local.predict(fundus).json()["predictions"][0]
    assert local.predict(fundus, path=f"{PREDICT}?top_k=1").json()["predictions"] == [best]
    assert local.predict(fundus, path=f"{PREDICT}?threshold=1").json()["predictions"] == []
    row = local.predict(fundus, path=f"{PREDICT}?top_k=1", headers={"accept": "text/csv"}).text.strip()
    assert row.split(",")[0].strip('"') == best["label"]


def test_lists_what_is_deployed(local):
    expected = [public_description(model) for model in load_models()]
    assert local.request("GET", "/models").json() == {"models": expected}
    assert local.request("GET", "/models/diabetic-retinopathy").json() in expected
    assert local.request("GET", "/openapi.json").json()["openapi"] == "3.1.0"


REFUSALS = {
    "unknown model": ({"path": "/models/astrology/predict"}, "MODEL_NOT_FOUND"),
    "unknown endpoint": ({"path": f"{PREDICT}?endpoint=tpu"}, "ENDPOINT_NOT_FOUND"),
    "unknown route": ({"path": "/models/diabetic-retinopathy/explain"}, "ROUTE_NOT_FOUND"),
    "missing key": ({"headers": {"x-api-key": ""}}, "INVALID_API_KEY"),
    "wrong key": ({"headers": {"x-api-key": "guess"}}, "INVALID_API_KEY"),
    "no content type": ({"content_type": None}, "UNSUPPORTED_MEDIA_TYPE"),
    "multipart": ({"content_type": "multipart/form-data; boundary=b"}, "UNSUPPORTED_MEDIA_TYPE"),
    "gzip": ({"headers": {"content-encoding": "gzip"}}, "UNSUPPORTED_MEDIA_TYPE"),
    "a PNG named jpeg": ({"body": image("PNG")}, "UNSUPPORTED_MEDIA_TYPE"),
    "a text named jpeg": ({"body": b"hello there"}, "UNSUPPORTED_MEDIA_TYPE"),
    "a text": ({"body": b"hello", "content_type": "text/plain"}, "UNSUPPORTED_MEDIA_TYPE"),
    "empty body": ({"body": b""}, "EMPTY_BODY"),
    "broken JSON": ({"body": b"{", "content_type": "application/json"}, "MALFORMED_JSON"),
    "deep JSON": ({"body": b"[" * 5000, "content_type": "application/json"}, "MALFORMED_JSON"),
    "NaN": ({"body": b'{"image": NaN}', "content_type": "application/json"}, "MALFORMED_JSON"),
    "other JSON": ({"body": b'{"picture": 1}', "content_type": "application/json"}, "INVALID_REQUEST"),
    "bad base64": ({"body": as_json(image="!!!!"), "content_type": "application/json"}, "INVALID_BASE64"),
    "a URL": ({"body": as_json(url="http://x/"), "content_type": "application/json"}, "URL_INPUT_UNSUPPORTED"),
    "top_k": ({"path": f"{PREDICT}?top_k=0"}, "INVALID_PARAMETER"),
    "over the endpoint's limit": ({"body": b"\xff\xd8\xff" + bytes(4 * MIB)}, "PAYLOAD_TOO_LARGE"),
    "over Lambda's limit": ({"body": b"\xff\xd8\xff" + bytes(5 * MIB)}, "PAYLOAD_TOO_LARGE"),
    "over the gateway's limit": ({"body": bytes(10 * MIB + 1)}, "PAYLOAD_TOO_LARGE"),
    "a cut JPEG": ({"body": FUNDUS.read_bytes()[:5000]}, "IMAGE_UNDECODABLE"),
    "a bomb": ({"body": bomb(), "content_type": "image/png"}, "IMAGE_TOO_MANY_PIXELS"),
    "a tiny image": ({"body": image("JPEG", (4, 4))}, "IMAGE_TOO_SMALL"),
    "an animation": ({"body": animated(), "content_type": "image/webp"}, "IMAGE_ANIMATED"),
}


@pytest.mark.parametrize(("request_", "code"), REFUSALS.values(), ids=REFUSALS)
def test_refuses_with_its_own_code_and_then_answers_a_good_request(local, fundus, request_, code):
    refused = local.predict(**{"body": fundus} | request_)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (TABLE[code].status, code)
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == refused.headers["x-amzn-requestid"]
    assert not any(word in refused.text for word in ("Traceback", "/opt", "arn:", "documented"))
    assert local.predict(fundus).status_code == 200


def test_answers_many_at_once(local, fundus):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: local.predict(fundus), range(24)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert len({answer.text for answer in answers if answer.status_code == 200}) == 1


def test_boto3_itself_gets_the_prediction(local, fundus):
    answer = local.sagemaker().invoke_endpoint(EndpointName=SERVERLESS, ContentType="image/jpeg", Body=fundus)
    assert json.loads(answer["Body"].read()) == local.predict(fundus).json()
    assert answer["InvokedProductionVariant"] == "AllTraffic"


@pytest.mark.parametrize(
    ("endpoint", "body", "status", "code"),
    [
        ("nowhere", b"x", 400, "ValidationError"),
        (SERVERLESS, bytes(4 * MIB + 1), 413, "413"),
        (GPU, bytes(6 * MIB + 1), 413, "413"),
        (SERVERLESS, b"not a picture", 424, "ModelError"),
    ],
)
def test_boto3_sees_the_errors_that_aws_would_send(local, fundus, endpoint, body, status, code):
    client = local.sagemaker()
    with pytest.raises(ClientError) as caught:
        client.invoke_endpoint(EndpointName=endpoint, ContentType="image/jpeg", Body=body)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)
    if status == 424:
        assert answer["OriginalStatusCode"] == 415
        assert json.loads(answer["OriginalMessage"])["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert client.invoke_endpoint(EndpointName=GPU, ContentType="image/jpeg", Body=fundus)["Body"].read()


def test_the_aws_command_gets_the_prediction(local, tmp_path):
    out = tmp_path / "answer.json"
    command = ["sagemaker-runtime", "invoke-endpoint", "--endpoint-url", local.runtime_url, "--region", "us-east-1"]
    command += ["--endpoint-name", SERVERLESS, "--content-type", "image/jpeg", "--body", f"fileb://{FUNDUS}"]
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    aws = Path(sys.executable).parent / "aws"
    subprocess.run([aws, *command, str(out)], check=True, capture_output=True, env={**os.environ, **keys})
    assert len(json.loads(out.read_text())["predictions"]) == 5


def test_a_throttled_serverless_endpoint_answers_429_and_recovers(local, fundus):
    limit = next(model for model in load_models() if model.spec.name == "diabetic-retinopathy")
    many = limit.spec.endpoints["serverless"].max_concurrency * 3
    client = local.sagemaker()

    def status(_):
        try:
            return client.invoke_endpoint(EndpointName=SERVERLESS, ContentType="image/jpeg", Body=fundus)["Body"].read()
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(many) as pool:
        outcomes = list(pool.map(status, range(many * 2)))
    assert {outcome for outcome in outcomes if isinstance(outcome, str)} <= {"ThrottlingException"}
    assert local.predict(fundus).status_code == 200


def test_logs_hold_no_byte_of_a_request(local, fundus):
    canary = "canary-5f1e"
    local.predict(fundus, headers={"x-note": canary, "accept": canary}, path=f"{PREDICT}?note={canary}")
    local.predict(as_json(image=canary), "application/json", path=f"/models/{canary}/predict")
    for log in local.logs:
        text = log.read_text()
        assert canary not in text
        for line in text.splitlines():
            json.loads(line)


def test_keeps_answering_over_one_connection(local, fundus):
    with httpx.Client(headers={"x-api-key": local.key, "content-type": "image/jpeg"}) as client:
        for _ in range(5):
            assert client.post(local.url + PREDICT, content=fundus, timeout=30).status_code == 200


def test_the_gateway_throttles_a_flood_and_says_when_to_come_back(local, fundus):
    refused: list[httpx.Response] = []
    deadline = time.monotonic() + 60
    with httpx.Client(headers={"x-api-key": local.key}, timeout=60) as client, ThreadPoolExecutor(16) as pool:
        while not refused and time.monotonic() < deadline:
            answers = pool.map(lambda _: client.get(f"{local.url}/models"), range(200))
            refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {answer.json()["error"]["code"] for answer in refused} == {"THROTTLED"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    time.sleep(2)
    assert local.predict(fundus).status_code == 200
