"""A photograph too large for the gateway: uploaded to S3, queued, predicted by the real model server, and asked for."""

import json
import os
import re
import shutil
import subprocess
import time

import httpx
import pytest

from contract.errors import TABLE
from contract.limits import BODIES, JOBS, MIB
from models.registry import ROOT
from stacks.jobs_stack import takes_jobs
from tests.containers.every_model import MODELS, samples
from tests.lambda_handlers.service import post_form

MODEL = "/models/diabetic-retinopathy"
DONE_S = 60


def weighted(jpeg: bytes, size: int) -> bytes:
    """The same picture with so many comments (ITU T.81, B.2.4.5) that it is larger than `size`."""
    comment = b"\xff\xfe\xff\xff" + bytes(65_533)
    return jpeg[:2] + comment * (size // len(comment) + 1) + jpeg[2:]


class Jobs:
    def __init__(self, local) -> None:
        self._local = local

    def form(self, content_type="image/jpeg", model=MODEL) -> dict:
        answer = self._local.request("POST", f"{model}/uploads", json={"content_type": content_type})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def send(self, file: bytes, form: dict | None = None, **fields: str) -> httpx.Response:
        form = form or self.form()
        return post_form(form["url"], form["fields"] | fields, file)

    def upload(self, file: bytes, content_type="image/jpeg", model=MODEL) -> str:
        form = self.form(content_type, model)
        assert self.send(file, form).status_code == 204
        return form["upload_id"]

    def start(self, upload_id: str, key: str | None = None, model=MODEL, **asked) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._local.request("POST", f"{model}/jobs", json={"upload_id": upload_id, **asked}, headers=headers)

    def show(self, id: str) -> httpx.Response:
        return self._local.request("GET", f"/jobs/{id}")

    def done(self, started: httpx.Response) -> dict:
        """The job once it is no longer pending."""
        assert started.status_code == 202, started.text
        deadline = time.monotonic() + DONE_S
        while (job := self.show(started.json()["id"]).json())["status"] == "pending" and time.monotonic() < deadline:
            time.sleep(0.1)
        return job


@pytest.fixture
def jobs(local):
    return Jobs(local)


@pytest.fixture(scope="module")
def large(fundus):
    return weighted(fundus, 7 * MIB)


def test_a_photograph_too_large_to_predict_is_predicted_as_a_job(local, jobs, fundus, large):
    refused = local.predict(large)
    assert refused.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert "/uploads" in refused.json()["error"]["message"]
    started = jobs.start(jobs.upload(large))
    assert started.json()["status"] == "pending"
    assert (
        httpx.URL(f"{local.url}{MODEL}/jobs").join(started.headers["location"]).path == f"/jobs/{started.json()['id']}"
    )
    done = jobs.done(started)
    assert (done["status"], done.get("error")) == ("succeeded", None)
    assert done["result"] == local.predict(fundus).json()


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if takes_jobs(model)])
def test_each_model_that_takes_jobs_gives_what_it_predicts(local, jobs, name):
    path = f"/models/{name}"
    for body, media_type in samples(MODELS[name]):
        done = jobs.done(jobs.start(jobs.upload(body, media_type, path), model=path))
        assert done["result"] == local.predict(body, media_type, f"{path}/predict").json()


def test_a_job_honours_the_options_and_csv(local, jobs, fundus):
    best = local.predict(fundus).json()["predictions"][0]
    upload = jobs.upload(fundus)
    assert jobs.done(jobs.start(upload, top_k=1))["result"]["predictions"] == [best]
    done = jobs.done(jobs.start(upload, top_k=1, accept="text/csv"))
    fetched = httpx.get(done["result_url"])
    assert fetched.headers["content-type"].startswith("text/csv")
    assert fetched.text.strip().split(",")[0].strip('"') == best["label"]


def test_the_same_key_starts_one_job(jobs, fundus):
    upload, other = jobs.upload(fundus), jobs.upload(fundus)
    first = jobs.start(upload, "once")
    again = jobs.start(upload, "once")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    reused = jobs.start(other, "once")
    assert (reused.status_code, reused.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    done = jobs.done(first)
    assert jobs.start(upload, "once").json() == done
    assert jobs.done(jobs.start(other, "other"))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda picture: picture[:5000], "IMAGE_UNDECODABLE"),
        (lambda _: b"\x89PNG\r\n\x1a\n", "UNSUPPORTED_MEDIA_TYPE"),
    ],
    ids=["a cut JPEG", "a PNG named jpeg"],
)
def test_what_the_model_refuses_has_failed_and_says_why(jobs, fundus, damage, code):
    failed = jobs.done(jobs.start(jobs.upload(damage(fundus))))
    assert (failed["status"], failed["error"]["code"]) == ("failed", code)
    assert not any(word in json.dumps(failed) for word in ("Traceback", "/opt", "arn:", "documented"))
    assert jobs.done(jobs.start(jobs.upload(fundus)))["status"] == "succeeded"


def test_s3_refuses_what_the_form_does_not_allow(jobs, fundus):
    form = jobs.form()
    for status, file, fields in (
        (400, fundus + bytes(BODIES.upload), {}),  # EntityTooLarge
        (400, b"", {}),  # EntityTooSmall
        (403, fundus, {"Content-Type": "text/html"}),
        (403, fundus, {"key": "face-mask/x"}),
    ):
        assert jobs.send(file, form, **fields).status_code == status
    assert jobs.start(form["upload_id"]).json()["error"]["code"] == "UPLOAD_NOT_FOUND"
    assert jobs.send(fundus, form).status_code == 204
    assert jobs.done(jobs.start(form["upload_id"]))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("/models/face-mask/uploads", {"content_type": "image/jpeg"}, "ASYNC_UNAVAILABLE"),
        ("/models/face-mask/jobs", {"upload_id": "0" * 32}, "ASYNC_UNAVAILABLE"),
        (f"{MODEL}/uploads", {"content_type": "video/mp4"}, "UNSUPPORTED_MEDIA_TYPE"),
        (f"{MODEL}/jobs", {"upload_id": "0" * 32}, "UPLOAD_NOT_FOUND"),
        (f"{MODEL}/jobs", {"upload_id": "0" * 32, "endpoint": "serverless"}, "ENDPOINT_NOT_FOUND"),
        (f"{MODEL}/jobs", {}, "INVALID_JOB"),
    ],
)
def test_refuses_with_its_own_code_and_then_takes_a_good_job(local, jobs, fundus, path, content, code):
    refused = local.request("POST", path, json=content)
    assert (refused.status_code, refused.json()["error"]["code"]) == (TABLE[code].status, code)
    assert jobs.done(jobs.start(jobs.upload(fundus)))["status"] == "succeeded"


def test_knows_no_other_job(jobs):
    for unknown in ("0" * 32, "..%2fcats%2foutput%2fx", "%00"):
        assert jobs.show(unknown).json()["error"]["code"] == "JOB_NOT_FOUND"


def test_an_upload_is_of_one_model(jobs, fundus):
    upload = jobs.upload(fundus)
    assert jobs.start(upload, model="/models/object-detection").json()["error"]["code"] == "UPLOAD_NOT_FOUND"
    assert jobs.done(jobs.start(upload))["status"] == "succeeded"


def test_predict_takes_no_job_endpoint(local, fundus):
    refused = local.predict(fundus, path=f"{MODEL}/predict?endpoint=jobs")
    assert refused.json()["error"]["code"] == "ENDPOINT_NOT_FOUND"
    assert local.predict(fundus).status_code == 200


def test_the_commands_of_the_documentation_work_as_they_are_written(local, large, tmp_path):
    if not all(map(shutil.which, ("bash", "curl", "jq"))):
        pytest.skip("needs bash, curl and jq")
    page = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
    [block] = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    *before, last = re.sub(r"\\\n\s+", "", block).strip().splitlines()
    (tmp_path / "photo.jpg").write_bytes(large)
    variables = {"API": local.url, "KEY": local.key, "MODEL": MODEL.rpartition("/")[2], "FILE": "photo.jpg"}
    script = "\n".join([*before, f"for _ in $(seq {DONE_S}); do DONE=$({last.strip()})"])
    script += f'\ngrep -q pending <<<"$DONE" || break; sleep {JOBS.poll_s / 10}; done; echo "$DONE"'
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["status"] == "succeeded"
