"""POST /models/{model}/uploads: a form for one object, of one type, within one size."""

import base64
import json
import subprocess
import sys

import pytest

from contract.errors import TABLE
from contract.limits import JOBS
from tests.lambda_handlers.service import INPUTS, PICTURE, post_form


def test_an_upload_is_a_form_for_one_object_of_one_type_and_size(asker):
    answer = asker.form("image/jpeg")
    form = answer.content
    assert answer.status == 201
    assert set(form) == {"upload_id", "url", "fields", "expires_in_s", "max_bytes"}
    assert (form["expires_in_s"], form["max_bytes"]) == (JOBS.upload_s, 4000)
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    for condition in (
        ["eq", "$Content-Type", "image/jpeg"],
        ["content-length-range", 1, 4000],
        {"bucket": INPUTS},
        {"key": f"cats/{form['upload_id']}"},
    ):
        assert condition in policy["conditions"]
    assert form["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def test_the_forms_address_names_the_region():
    code = (
        "from lambda_handlers.proxy.settings import Buckets; from lambda_handlers.proxy.storage import Storage;"
        "s = Storage(Buckets('cats-in', 'cats-out')); print(s.form('k', 'a/b', 1)['url'], s.link('k', 'text/csv'))"
    )
    for region in ("us-east-1", "eu-west-1"):
        environment = {"AWS_DEFAULT_REGION": region, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        form, link = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).split()
        assert form == f"https://cats-in.s3.{region}.amazonaws.com/"
        assert link.startswith(f"https://cats-out.s3.{region}.amazonaws.com/k?")


def test_the_type_may_stand_in_the_query(asker):
    form = asker.post("uploads", query={"content_type": "image/JPG; q=1"}).content
    assert form["fields"]["Content-Type"] == "image/jpeg"


def test_what_is_uploaded_is_kept_with_its_type_below_its_model(asker):
    upload = asker.upload(PICTURE)
    found = asker.s3.get_object(Bucket=INPUTS, Key=f"cats/{upload}")
    assert (found["Body"].read(), found["ContentType"]) == (PICTURE, "image/jpeg")


UPLOAD_REFUSALS = {
    "unknown model": ({"content": {"content_type": "image/jpeg"}, "model": "dogs"}, "MODEL_NOT_FOUND"),
    "no async endpoint": ({"content": {"content_type": "image/jpeg"}, "model": "birds"}, "ASYNC_UNAVAILABLE"),
    "no type": ({}, "INVALID_UPLOAD"),
    "a list": ({"content": []}, "INVALID_JOB"),
    "a number": ({"content": {"content_type": 5}}, "INVALID_UPLOAD"),
    "another type": ({"content": {"content_type": "image/tiff"}}, "UNSUPPORTED_MEDIA_TYPE"),
    "no JSON": ({"content": b"{"}, "MALFORMED_JSON"),
    "not as JSON": ({"content": {}, "headers": {"Content-Type": "text/plain"}}, "UNSUPPORTED_MEDIA_TYPE"),
}


@pytest.mark.parametrize(("asked", "code"), UPLOAD_REFUSALS.values(), ids=UPLOAD_REFUSALS)
def test_refuses_an_upload(asker, good, asked, code):
    refused = asker.post("uploads", **asked)
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "documented" not in refused.content["error"]["message"]
    good()


@pytest.mark.parametrize(
    ("file", "content_type", "code"),
    [(b"x" * 4001, "image/jpeg", "PAYLOAD_TOO_LARGE"), (PICTURE, "text/html", "UNSUPPORTED_MEDIA_TYPE")],
)
def test_refuses_an_upload_that_is_not_what_the_form_allows(asker, good, file, content_type, code):
    """moto's S3 takes it, as it does not read the form's policy."""
    form = asker.form().content
    assert post_form(form["url"], {**form["fields"], "Content-Type": content_type}, file).status_code == 204
    assert asker.start(form["upload_id"]).code == code
    assert not asker.queue.seen
    good()
