"""S3 of the local run: what boto3 puts is there, and what S3 refuses is refused in its words."""

import base64
import io
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from botocore.exceptions import ClientError

from contract.limits import BODIES, MIB
from experiments.local_run import start_local, wait_until
from tests.local_run import Caller

INPUTS, RESULTS = (f"fovea-dev-{name}-000000000000-us-east-1" for name in ("inputs", "results"))
KEY = "diabetic-retinopathy/an-upload"
PICTURE = b"\xff\xd8\xff" + bytes(100)


def form(local, *, most: int = 1000, expires_s: int = 60):
    """What the proxy gives a client: one key, one type, a range of sizes."""
    return local.s3().generate_presigned_post(
        INPUTS,
        KEY,
        Fields={"Content-Type": "image/jpeg"},
        Conditions=[["eq", "$Content-Type", "image/jpeg"], ["content-length-range", 1, most]],
        ExpiresIn=expires_s,
    )


def post(asked, content: bytes = PICTURE, **fields: str) -> httpx.Response:
    return httpx.post(asked["url"], data=asked["fields"] | fields, files={"file": content}, timeout=60)


def code(answer: httpx.Response) -> str:
    found = re.search("<Code>(.*)</Code>", answer.text)
    assert found, answer.text
    return found[1]


def test_the_buckets_of_the_templates_are_there(local):
    assert {bucket["Name"] for bucket in local.s3().list_buckets()["Buckets"]} == {INPUTS, RESULTS}


def test_a_form_uploads_what_its_policy_allows(local):
    assert post(form(local)).status_code == 204
    found = local.s3().get_object(Bucket=INPUTS, Key=KEY)
    assert (found["Body"].read(), found["ContentType"]) == (PICTURE, "image/jpeg")


def test_a_form_takes_as_much_as_may_be_uploaded(local):
    content = bytes(BODIES.upload)
    assert post(form(local, most=BODIES.upload), content).status_code == 204
    assert local.s3().head_object(Bucket=INPUTS, Key=KEY)["ContentLength"] == BODIES.upload
    assert code(post(form(local, most=BODIES.upload), content + b"x")) == "EntityTooLarge"


def preflight(local, bucket: str, method: str) -> httpx.Response:
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": method}
    return httpx.options(f"{form(local)['url'].rpartition('/')[0]}/{bucket}", headers=asked, timeout=60)


def test_a_page_may_send_a_form_and_nothing_else(local):
    allowed = preflight(local, INPUTS, "POST")
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "*")
    for bucket, method in ((INPUTS, "PUT"), (INPUTS, "GET"), (RESULTS, "POST"), ("nowhere", "POST")):
        refused = preflight(local, bucket, method)
        assert (refused.status_code, code(refused)) == (403, "AccessForbidden")
        assert "access-control-allow-origin" not in refused.headers


def test_a_page_can_read_why_its_form_was_refused(local):
    asked = form(local, most=10)
    origin = {"Origin": "https://example.com"}
    answer = httpx.post(asked["url"], data=asked["fields"], files={"file": PICTURE}, headers=origin, timeout=60)
    assert (code(answer), answer.headers["access-control-allow-origin"]) == ("EntityTooLarge", "*")


def other_policy(asked) -> str:
    policy = json.loads(base64.b64decode(asked["fields"]["policy"]))
    policy["conditions"][-1] = ["content-length-range", 0, 10**9]
    return base64.b64encode(json.dumps(policy).encode()).decode()


def test_boto3_uploads_in_parts_under_any_name(local):
    content, key = os.urandom(20 * MIB), "a/b c+d/é.bin"
    local.s3().upload_fileobj(io.BytesIO(content), INPUTS, key)
    assert local.s3().get_object(Bucket=INPUTS, Key=key)["Body"].read() == content
    assert [found["Key"] for found in local.s3().list_objects_v2(Bucket=INPUTS, Prefix="a/")["Contents"]] == [key]


REFUSALS = {
    "too large": (lambda asked: post(asked, bytes(1001)), 400, "EntityTooLarge", "<MaxSizeAllowed>1000<"),
    "too small": (lambda asked: post(asked, b""), 400, "EntityTooSmall", "<MinSizeAllowed>1<"),
    "another type": (
        lambda asked: post(asked, **{"Content-Type": "text/html"}),
        403,
        "AccessDenied",
        'Policy Condition failed: ["eq", "$Content-Type", "image/jpeg"]',
    ),
    "another key": (lambda asked: post(asked, key="elsewhere"), 403, "AccessDenied", '["eq", "$key"'),
    "another bucket": (
        lambda asked: post(asked | {"url": asked["url"].replace("inputs", "results")}),
        403,
        "AccessDenied",
        '["eq", "$bucket"',
    ),
    "a field more": (lambda asked: post(asked, acl="public-read"), 403, "AccessDenied", "Extra input fields: acl"),
    "a policy of one's own": (lambda asked: post(asked, policy=other_policy(asked)), 403, "SignatureDoesNotMatch", ""),
    "a stranger's key": (
        lambda asked: post(asked, **{"x-amz-credential": "stranger/20260101/us-east-1/s3/aws4_request"}),
        403,
        "InvalidAccessKeyId",
        "stranger",
    ),
    "no policy": (lambda asked: post({"url": asked["url"], "fields": {"key": KEY}}), 403, "AccessDenied", ""),
    "no file": (
        lambda asked: httpx.post(asked["url"], files={name: (None, value) for name, value in asked["fields"].items()}),
        400,
        "InvalidArgument",
        "exactly one file upload",
    ),
    "no form": (lambda asked: httpx.post(asked["url"], content=PICTURE), 412, "PreconditionFailed", ""),
    "half a form": (
        lambda asked: httpx.post(
            asked["url"], content=b"--b\r\nContent-", headers={"content-type": "multipart/form-data; boundary=b"}
        ),
        400,
        "MalformedPOSTRequest",
        "",
    ),
}


@pytest.mark.parametrize(("send", "status", "named", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refuses_a_form_as_s3_does_and_then_takes_a_good_one(local, send, status, named, words):
    local.s3().delete_object(Bucket=INPUTS, Key=KEY)
    answer = send(form(local))
    assert (answer.status_code, code(answer)) == (status, named)
    assert words.replace('"', "&quot;") in answer.text or words in answer.text
    with pytest.raises(ClientError):
        local.s3().head_object(Bucket=INPUTS, Key=KEY)
    assert post(form(local)).status_code == 204


def test_refuses_a_form_that_has_expired(local):
    answer = post(form(local, expires_s=-1))
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    assert "Policy expired." in answer.text
    assert post(form(local)).status_code == 204


def test_a_presigned_address_works_until_it_expires(local):
    s3 = local.s3()
    s3.put_object(Bucket=RESULTS, Key="result", Body=b"{}")
    asked = {"Bucket": RESULTS, "Key": "result", "ResponseContentType": "application/json"}
    answer = httpx.get(s3.generate_presigned_url("get_object", asked, ExpiresIn=60))
    assert (answer.content, answer.headers["content-type"]) == (b"{}", "application/json")
    late = httpx.get(s3.generate_presigned_url("get_object", asked, ExpiresIn=-1))
    assert (late.status_code, code(late)) == (403, "AccessDenied")
    assert "Request has expired" in late.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nobody_gets_anything_unsigned(local, method):
    local.s3().put_object(Bucket=RESULTS, Key="private", Body=b"{}")
    answer = httpx.request(method, f"{local.s3_url}/{RESULTS}/private")
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    assert local.s3().get_object(Bucket=RESULTS, Key="private")["Body"].read() == b"{}"


def test_of_many_who_write_first_one_does(local):
    s3 = local.s3()
    s3.delete_object(Bucket=RESULTS, Key="claim")

    def write(number: int) -> bool:
        try:
            s3.put_object(Bucket=RESULTS, Key="claim", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(24))) == 1


def test_when_it_cannot_start_that_is_one_clear_line_and_predictions_work(tmp_path, fundus):
    (tmp_path / "broken" / "moto").mkdir(parents=True)
    (tmp_path / "broken" / "moto" / "__init__.py").write_text("raise ImportError('not today')\n")
    with start_local(tmp_path / "state", PYTHONPATH=str(tmp_path / "broken")) as started:
        local = Caller(started)
        line = f"S3 does not start, so there are no uploads and no jobs; {tmp_path}/state/logs/s3.log says why\n"
        assert wait_until(lambda: line in local.said)
        assert "not today" in (tmp_path / "state" / "logs" / "s3.log").read_text()
        answer = httpx.get(f"{local.s3_url}/{INPUTS}/x", headers={"authorization": "AWS4-HMAC-SHA256"})
        assert (answer.status_code, code(answer)) == (503, "ServiceUnavailable")
        assert local.predict(fundus).status_code == 200
        assert "Traceback" not in local.said


def test_when_it_is_gone_it_is_unavailable_and_predictions_work(tmp_path, fundus):
    with start_local(tmp_path) as started:
        local = Caller(started)
        local.s3().list_buckets()
        storage(local).kill()
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            local.s3().list_buckets()
        assert local.predict(fundus).status_code == 200


def test_it_ends_with_its_parent_however_that_ends(tmp_path):
    with start_local(tmp_path) as started:
        local = Caller(started)
        local.s3().list_buckets()
        process = storage(local)
        local.process.kill()
        assert not psutil.wait_procs([process], timeout=5)[1]


def storage(local) -> psutil.Process:
    (process,) = (child for child in local.children() if "local.s3_worker" in child.cmdline())
    return process
