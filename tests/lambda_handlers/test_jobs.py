"""Jobs: the real handler and SDK against moto's S3 and a queue that speaks SageMaker's API."""

import json
import subprocess
import sys
from types import SimpleNamespace

import httpx
import pytest

from contract.errors import TABLE
from contract.limits import JOBS
from tests.lambda_handlers.service import INPUTS

REQUEST_ID = "11111111-2222-3333-4444-555555555555"


def test_a_job_is_queued_with_the_upload_and_the_options(asker):
    upload = asker.upload()
    answer = asker.start(upload, asked={"top_k": 3, "threshold": 0.5, "accept": "text/csv", "endpoint": "jobs"})
    assert answer.status == 202
    job = answer.content
    assert (job["status"], job["model"], job["version"]) == ("pending", "cats", "1.0.0")
    assert answer.headers["Location"] == f"../../jobs/{job['id']}"
    assert answer.headers["Retry-After"] == str(JOBS.poll_s)
    (seen,) = asker.queue.seen
    assert seen.path == "/endpoints/fovea-dev-cats-jobs/async-invocations"
    assert seen.inputlocation == f"s3://{INPUTS}/cats/{upload}"
    assert (seen.content_type, seen.accept, seen.inference_id) == ("image/jpeg", "text/csv", job["id"])
    assert seen.custom_attributes == f"request_id={REQUEST_ID},top_k=3,threshold=0.5"
    assert int(seen.requestttlseconds) == JOBS.queue_s
    assert int(seen.invocationtimeoutseconds) == 900 + JOBS.grace_s


def test_a_job_is_pending_until_its_result_is_there(asker):
    job = asker.start().content["id"]
    pending = asker.show(job)
    assert (pending.status, pending.content["status"]) == (200, "pending")
    assert pending.headers["Retry-After"] == str(JOBS.poll_s)
    asker.finish(job, b'{"model":"cats","predictions":[{"label":"tabby","score":0.9000000000000001}]}')
    done = asker.show(job)
    assert (done.status, done.content["status"]) == (200, "succeeded")
    assert done.content["result"] == {"model": "cats", "predictions": [{"label": "tabby", "score": 0.9000000000000001}]}
    assert "Retry-After" not in done.headers
    assert (done.content["created"], done.content["id"]) == (pending.content["created"], job)


@pytest.mark.parametrize(
    ("accept", "content"),
    [
        ("text/csv", b"tabby,0.9\n"),
        ("application/json", b'"%s"' % (b"x" * JOBS.inline_result_bytes)),
        ("application/json", b"what a script says"),
        ("application/json", b'{"score": NaN}'),
        ("application/json", b"[" * 100_000),
    ],
    ids=["CSV", "large", "no JSON", "NaN", "deep"],
)
def test_a_result_that_fits_no_answer_is_an_address(asker, accept, content):
    job = asker.start(asked={"accept": accept}).content["id"]
    asker.finish(job, content)
    done = asker.show(job).content
    assert (done["status"], done["result_url_expires_in_s"]) == ("succeeded", JOBS.link_s)
    assert "result" not in done
    fetched = httpx.get(done["result_url"])
    assert fetched.content == content
    assert fetched.headers["content-type"].startswith(accept)


def envelope(code: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": "/opt/secret Traceback", "request_id": "x"}}).encode()


def wrapped(content: bytes) -> bytes:
    return f'Received client error (422) from primary with message "{content.decode()}". See arn:aws:secret'.encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        *((envelope(code), code) for code in ("IMAGE_UNDECODABLE", "UNSUPPORTED_MEDIA_TYPE", "MODEL_OUTPUT_INVALID")),
        (wrapped(envelope("IMAGE_ANIMATED")), "IMAGE_ANIMATED"),
        (json.dumps({"message": envelope("IMAGE_TOO_SMALL").decode()}).encode(), "IMAGE_TOO_SMALL"),
        (envelope("NO_SUCH_CODE"), "MODEL_FAILED"),
        (b"Traceback /opt/secret arn:aws:secret", "MODEL_FAILED"),
        (b"", "MODEL_FAILED"),
        (b"\xff" * (JOBS.inline_result_bytes + 1), "MODEL_FAILED"),
    ],
)
def test_a_failure_is_told_by_our_own_table(asker, good, content, code):
    job = asker.start().content["id"]
    asker.finish(job, content, "failure")
    failed = asker.show(job)
    assert (failed.status, failed.content["status"], failed.content["error"]["code"]) == (200, "failed", code)
    assert set(failed.content["error"]) == {"code", "message"}
    assert not any(word in json.dumps(failed.content) for word in ("secret", "arn:", "documented", "Traceback"))
    good()


def test_a_job_expires_when_neither_result_nor_failure_came_in_time(asker, monkeypatch):
    job = asker.start().content
    record = asker.record(job["id"])
    assert record["expires"] - record["created"] == JOBS.queue_s + 900 + JOBS.grace_s
    monkeypatch.setattr("lambda_handlers.proxy.jobs.time", SimpleNamespace(time=lambda: record["expires"] + 1))
    expired = asker.show(job["id"])
    assert expired.content == {**job, "status": "expired"}
    assert "Retry-After" not in expired.headers
    asker.finish(job["id"], b"{}")
    assert asker.show(job["id"]).content["status"] == "succeeded"


def test_a_failure_is_told_when_the_model_is_gone(asker, handler_module, monkeypatch):
    job = asker.start().content["id"]
    asker.finish(job, envelope("IMAGE_TOO_SMALL"), "failure")
    monkeypatch.setattr(handler_module.REGISTRY, "_by_name", {})
    assert asker.show(job).content["error"]["code"] == "IMAGE_TOO_SMALL"


@pytest.mark.parametrize(
    "id", ["0" * 32, "x", "", "../cats/output/x", "keys/" + "0" * 64, "A" * 32, "0" * 32 + "\n", "0" * 33]
)
def test_knows_no_other_job(asker, good, id):
    unknown = asker.show(id)
    assert (unknown.status, unknown.code) == (404, "JOB_NOT_FOUND")
    good()


JOB_REFUSALS = {
    "unknown model": ({"model": "dogs"}, "MODEL_NOT_FOUND"),
    "no async endpoint": ({"model": "birds"}, "ASYNC_UNAVAILABLE"),
    "unknown endpoint": ({"asked": {"endpoint": "tpu"}}, "ENDPOINT_NOT_FOUND"),
    "an endpoint that answers at once": ({"asked": {"endpoint": "serverless"}}, "ENDPOINT_NOT_FOUND"),
    "top_k": ({"asked": {"top_k": 0}}, "INVALID_PARAMETER"),
    "accept": ({"asked": {"accept": "text/html"}}, "INVALID_JOB"),
    "another key": ({"asked": {"topk": 1}}, "INVALID_JOB"),
    "an upload that is none": ({"asked": {"upload_id": "0" * 32}}, "UPLOAD_NOT_FOUND"),
    "a path": ({"asked": {"upload_id": "../jobs/x"}}, "UPLOAD_NOT_FOUND"),
    "a number": ({"asked": {"upload_id": 7}}, "INVALID_JOB"),
    "an endpoint that is a list": ({"asked": {"endpoint": []}}, "INVALID_JOB"),
    "much": ({"asked": {"upload_id": "0" * JOBS.request_bytes}}, "PAYLOAD_TOO_LARGE"),
    "gzip": ({"headers": {"Content-Encoding": "gzip"}}, "UNSUPPORTED_MEDIA_TYPE"),
    "an empty key": ({"key": ""}, "INVALID_IDEMPOTENCY_KEY"),
    "a long key": ({"key": "x" * 256}, "INVALID_IDEMPOTENCY_KEY"),
    "a key of two lines": ({"key": "a\nb"}, "INVALID_IDEMPOTENCY_KEY"),
    "a key not in ASCII": ({"key": "schlüssel"}, "INVALID_IDEMPOTENCY_KEY"),
}


@pytest.mark.parametrize(("request_", "code"), JOB_REFUSALS.values(), ids=JOB_REFUSALS)
def test_refuses_a_job_before_anything_is_queued(asker, good, request_, code):
    refused = asker.start(**{"upload_id": asker.upload()} | request_)
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "documented" not in refused.content["error"]["message"]
    assert not asker.queue.seen
    good()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "EMPTY_BODY"), (b"{", "MALFORMED_JSON"), (b"[" * 9000, "MALFORMED_JSON"), (b"[]", "INVALID_JOB")],
)
def test_refuses_what_is_no_order(asker, good, content, code):
    assert asker.post("jobs", content).code == code
    good()


def test_an_upload_is_of_the_model_it_was_made_for(asker, handler_module, good, monkeypatch):
    upload = asker.upload()
    other = {**handler_module.REGISTRY.model("cats"), "name": "lions"}
    monkeypatch.setitem(handler_module.REGISTRY._by_name, "lions", other)
    monkeypatch.setitem(handler_module.REGISTRY._targets, "lions", handler_module.REGISTRY._targets["cats"])
    assert asker.start(upload, model="lions").code == "UPLOAD_NOT_FOUND"
    good()


def test_without_buckets_there_are_no_such_routes(handler_module):
    registry = handler_module.SETTINGS.registry_file
    code = "import lambda_handlers.proxy.handler as h; print(*(path for _, path in h.ROUTES))"
    keys = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    said = subprocess.check_output(
        [sys.executable, "-c", code], text=True, env={"REGISTRY_FILE": str(registry), **keys}
    )
    assert said.split() == ["/models", "/models/{model}", "/models/{model}/predict", "/openapi.json"]


def test_one_bucket_alone_is_named_as_missing(handler_module):
    settings = type(handler_module.SETTINGS)
    file = {"REGISTRY_FILE": str(handler_module.SETTINGS.registry_file)}
    with pytest.raises(ValueError, match="RESULTS_BUCKET"):
        settings.read({"INPUTS_BUCKET": "x", **file})
    with pytest.raises(ValueError, match="INPUTS_BUCKET"):
        settings.read({"RESULTS_BUCKET": "x", **file})
    assert settings.read({"RESULTS_BUCKET": "x", "INPUTS_BUCKET": "y", **file}).buckets.inputs == "y"
