"""Jobs of the local run: an object goes in, a result or a failure comes out, and bad requests are refused at once."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from contract.limits import BODIES, MIB
from experiments.local_run import wait_until
from images.assets import Image
from local.assembly import Endpoint, Jobs
from local.async_queue import Job, LocalQueue, Location
from local.endpoint import LocalEndpoint
from local.launch import Launch, as_process
from local.s3 import LocalS3
from local.s3_cors import Bucket
from models.registry import ROOT
from tests.faults.failing_scripts import GOOD, Mood, picture, write_failing_model
from tests.local.test_s3 import INPUTS, RESULTS

JOBS = "fovea-dev-diabetic-retinopathy-jobs"
REALTIME = "fovea-dev-diabetic-retinopathy-gpu"
PREFIX = f"s3://{RESULTS}/diabetic-retinopathy"


def start(local, body: bytes, **more):
    """A job for what is put into the bucket first."""
    key = "diabetic-retinopathy/upload"
    local.s3().put_object(Bucket=INPUTS, Key=key, Body=body)
    asked = {"InputLocation": f"s3://{INPUTS}/{key}", "ContentType": "image/jpeg", "EndpointName": JOBS} | more
    return local.sagemaker().invoke_endpoint_async(**asked)


def place(uri: str) -> dict[str, str]:
    return dict(zip(("Bucket", "Key"), Location.of(uri), strict=True))


def found(local, uri: str) -> bytes | None:
    try:
        return local.s3().get_object(**place(uri))["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None


def result(local, job) -> tuple[str, bytes]:
    """Which of the two places it came to, and what."""
    places = {"output": job["OutputLocation"], "failure": job["FailureLocation"]}
    assert wait_until(lambda: any(found(local, uri) is not None for uri in places.values()), 60)
    ((where, content),) = ((name, found(local, uri)) for name, uri in places.items() if found(local, uri) is not None)
    return where, content


def good(local, fundus) -> None:
    where, content = result(local, start(local, fundus))
    assert where == "output"
    assert json.loads(content)["predictions"]


def test_a_job_gives_what_a_prediction_would(local, fundus):
    job = start(local, fundus, InferenceId="mine", CustomAttributes="top_k=2")
    assert job["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert job["InferenceId"] == "mine"
    assert job["OutputLocation"].startswith(f"{PREFIX}/output/")
    assert job["FailureLocation"].startswith(f"{PREFIX}/failure/")
    where, content = result(local, job)
    assert where == "output"
    assert json.loads(content) == local.predict(fundus, path="/models/diabetic-retinopathy/predict?top_k=2").json()
    head = local.s3().head_object(**place(job["OutputLocation"]))
    assert head["ContentType"] == "application/json"


def test_takes_more_than_any_other_endpoint(local, fundus):
    where, content = result(local, start(local, fundus + bytes(20 * MIB)))
    assert (where, json.loads(content)) == ("output", local.predict(fundus).json())


def test_takes_a_small_input_without_an_upload(local):
    client = local.sagemaker()
    body = json.dumps({"image": "!"}).encode()
    job = client.invoke_endpoint_async(EndpointName=JOBS, ContentType="application/json", Body=body)
    where, content = result(local, job)
    assert (where, json.loads(content)["error"]["code"]) == ("failure", "INVALID_BASE64")


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"not a picture", "UNSUPPORTED_MEDIA_TYPE"), (bytes(BODIES.upload + 1), "PAYLOAD_TOO_LARGE")],
)
def test_what_the_model_refuses_is_a_failure_with_its_words(local, fundus, body, code):
    where, content = result(local, start(local, body))
    assert (where, json.loads(content)["error"]["code"]) == ("failure", code)
    good(local, fundus)


def test_an_input_that_is_not_there_is_a_failure(local, fundus):
    where, content = result(local, start(local, b"", InputLocation=f"s3://{INPUTS}/diabetic-retinopathy/nothing"))
    assert (where, b"no such object" in content) == ("failure", True)
    good(local, fundus)


def test_works_off_many_and_loses_none(local, fundus):
    jobs = [start(local, fundus) for _ in range(12)]
    assert {result(local, job)[0] for job in jobs} == {"output"}
    assert len({job["OutputLocation"] for job in jobs}) == len(jobs)


LOCATION = f"s3://{INPUTS}/x"
TOLD = {
    "an endpoint that is not there": ("nowhere", {"InputLocation": LOCATION}, b"", "not found"),
    "an endpoint that answers at once": (REALTIME, {"InputLocation": LOCATION}, b"", "Asynchronous endpoint"),
    "neither input nor place": (JOBS, {}, b"", "exactly one"),
    "input and place": (JOBS, {"InputLocation": LOCATION}, b"x", "exactly one"),
    "too much to be inline": (JOBS, {}, bytes(128_001), "at most 128000 bytes"),
    "a place on the web": (JOBS, {"InputLocation": "https://example.com/x"}, b"", "'inputLocation'"),
    "no key": (JOBS, {"InputLocation": f"s3://{INPUTS}"}, b"", "'inputLocation'"),
    "a long place": (JOBS, {"InputLocation": LOCATION + "x" * 1024}, b"", "'inputLocation'"),
    "no time to wait": (JOBS, {"InputLocation": LOCATION, "RequestTTLSeconds": "59"}, b"", "'requestTTLSeconds'"),
    "a day to wait": (JOBS, {"InputLocation": LOCATION, "RequestTTLSeconds": "86400"}, b"", "60 and 21600"),
    "no time to work": (JOBS, {"InputLocation": LOCATION, "InvocationTimeoutSeconds": "0"}, b"", "1 and 3600"),
    "words for a time": (JOBS, {"InputLocation": LOCATION, "InvocationTimeoutSeconds": "soon"}, b"", "1 and 3600"),
    "a long id": (JOBS, {"InputLocation": LOCATION, "Inference-Id": "x" * 65}, b"", "'inferenceId'"),
    "a name of one's own": (JOBS, {"InputLocation": LOCATION, "Filename": "x"}, b"", "does not know filename"),
}


@pytest.mark.parametrize(("endpoint", "headers", "body", "words"), TOLD.values(), ids=TOLD)
def test_a_bad_request_is_told_at_once_and_a_good_one_taken(local, fundus, endpoint, headers, body, words):
    sent = {f"X-Amzn-SageMaker-{name}": value for name, value in headers.items()}
    url = f"{local.runtime_url}/endpoints/{endpoint}/async-invocations"
    answer = httpx.post(url, headers=sent, content=body)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationError")
    assert words in answer.json()["Message"]
    good(local, fundus)


def test_boto3_sees_a_validation_error_whichever_way_round(local, fundus):
    client = local.sagemaker()
    with pytest.raises(ClientError, match=r"ValidationError.*use InvokeEndpointAsync"):
        client.invoke_endpoint(EndpointName=JOBS, ContentType="image/jpeg", Body=fundus)
    with pytest.raises(ClientError, match=r"ValidationError.*not found"):
        start(local, fundus, EndpointName=REALTIME)
    good(local, fundus)


def job(name: str, body: bytes, **more) -> Job:
    places = (Location(RESULTS, f"{name}/{what}") for what in ("output", "failure"))
    given = {"ttl_s": 60, "timeout_s": 30} | more
    return Job(name, body, {"content-type": "image/png"}, *places, **given)


def test_one_at_a_time_in_their_order_and_who_waits_too_long_is_dropped(tmp_path):
    now = [0.0]
    where = asyncio.run(_queued(tmp_path, now))
    assert where == {"held": "failure", "late": None, "last": "output"}


async def _queued(tmp_path, now) -> dict[str, str | None]:
    key = "ab" * 32  # of the archive, which is unpacked already
    environment = write_failing_model(tmp_path / "models" / "moody", "")
    (tmp_path / "models" / "moody").rename(tmp_path / "models" / key)
    image = Image("key", ROOT, "containers/Dockerfile", "linux/amd64", build_args={"CONTAINER": "failing"})
    archive = tmp_path / f"asset.{key}.tar.gz"
    asked = Endpoint("moody", "async", image, archive, environment, None, None, "ml.c7i.large", Jobs("", "", 1))
    (tmp_path / "logs").mkdir()

    def launch(model_dir: Path, port: int) -> Launch:
        launched = as_process(asked, Path(sys.executable), model_dir, port)
        return replace(launched, environment={**launched.environment, **environment})

    endpoint = LocalEndpoint(asked, launch, tmp_path, 60)
    s3 = LocalS3([Bucket(RESULTS)], tmp_path)
    s3.start()
    queue = LocalQueue(endpoint, s3, lambda: now[0])
    try:
        queue.add(job("held", picture(Mood.SLOW, 6), timeout_s=3))
        queue.add(job("late", GOOD))
        await asyncio.sleep(1)
        now[0] = 61.0
        queue.add(job("last", GOOD))
        for _ in range(200):
            if await s3.read(RESULTS, "last/output"):
                break
            await asyncio.sleep(0.1)
        return {name: await _place(s3, name) for name in ("held", "late", "last")}
    finally:
        await queue.close()
        await endpoint.close()
        await s3.close()


async def _place(s3: LocalS3, name: str) -> str | None:
    for what in ("output", "failure"):
        if await s3.read(RESULTS, f"{name}/{what}") is not None:
            return what
    return None
