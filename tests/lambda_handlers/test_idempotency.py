"""Idempotency-Key: one caller's one request starts one job, whatever happens on the way."""

import json

import pytest

from contract.errors import TABLE
from contract.limits import JOBS, TIMEOUTS
from tests.lambda_handlers.service import INPUTS, RESULTS

ALICE, BOB = ({"identity": {"apiKeyId": name}} for name in ("alice", "bob"))


def test_the_same_key_and_body_name_the_same_job(asker):
    upload = asker.upload()
    first = asker.start(upload, key="once", context=ALICE)
    again = asker.start(upload, key="once", context=ALICE)
    assert (first.status, again.status) == (202, 200)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    asker.finish(first.content["id"], b"{}")
    asker.s3.delete_object(Bucket=INPUTS, Key=f"cats/{upload}")
    finished = asker.start(upload, key="once", context=ALICE)
    assert (finished.status, finished.content["status"]) == (200, "succeeded")
    assert len(asker.queue.seen) == 1


def test_the_same_key_with_another_body_is_refused(asker, good):
    upload = asker.upload()
    first = asker.start(upload, key="twice", context=ALICE)
    other = asker.start(upload, key="twice", context=ALICE, asked={"top_k": 1})
    assert (other.status, other.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert asker.start(upload, key="twice", context=ALICE).content["id"] == first.content["id"]
    good()


CALLERS = {
    "keys": (ALICE, BOB),
    "roles": ({"identity": {"user": "AROAONE:session"}}, {"identity": {"user": "AROATWO:session"}}),
    "subjects": ({"authorizer": {"claims": {"sub": "a"}}}, {"authorizer": {"claims": {"sub": "b"}}}),
    "a key and a role of its name": ({"identity": {"apiKeyId": "carol"}}, {"identity": {"user": "carol"}}),
}


@pytest.mark.parametrize(("one", "other"), CALLERS.values(), ids=CALLERS)
def test_a_key_is_its_callers_own(asker, one, other):
    upload = asker.upload()
    ids = {asker.start(upload, key="mine", context=who).content["id"] for who in (one, one, other)}
    assert len(ids) == 2


def test_a_key_is_a_roles_whatever_its_session(asker):
    upload = asker.upload()
    users = ({"identity": {"user": f"AROA1:{session}"}} for session in ("morning", "evening"))
    assert len({asker.start(upload, key="role", context=who).content["id"] for who in users}) == 1


def claim(asker) -> tuple[str, dict]:
    """The one claim of a test that cleared all others."""
    (name,) = asker.objects(RESULTS, "jobs/keys/")
    return name, json.loads(asker.s3.get_object(Bucket=RESULTS, Key=name)["Body"].read())


@pytest.fixture
def no_claims(asker):
    for name in asker.objects(RESULTS, "jobs/keys/"):
        asker.s3.delete_object(Bucket=RESULTS, Key=name)


@pytest.mark.usefixtures("no_claims")
def test_a_key_whose_request_is_under_way_starts_no_second_job(asker, good):
    upload = asker.upload()
    job = asker.start(upload, key="k").content["id"]
    asker.s3.delete_object(Bucket=RESULTS, Key=f"jobs/{job}.json")  # as if it were not written yet
    busy = asker.start(upload, key="k")
    assert (busy.status, busy.code, busy.headers["Retry-After"]) == (409, "IDEMPOTENCY_KEY_IN_USE", "1")
    assert len(asker.queue.seen) == 1
    good()


@pytest.mark.usefixtures("no_claims")
def test_a_key_whose_function_died_starts_the_same_job_again(asker):
    upload = asker.upload()
    job = asker.start(upload, key="k").content["id"]
    asker.s3.delete_object(Bucket=RESULTS, Key=f"jobs/{job}.json")
    name, left = claim(asker)
    assert JOBS.claim_s > TIMEOUTS.function_s
    old = json.dumps({**left, "since": left["since"] - JOBS.claim_s}).encode()
    asker.s3.put_object(Bucket=RESULTS, Key=name, Body=old)
    again = asker.start(upload, key="k")
    assert (again.status, again.content["id"]) == (202, job)
    assert [seen.inference_id for seen in asker.queue.seen] == [job, job]
    assert claim(asker)[1]["since"] > left["since"] - JOBS.claim_s
    assert asker.start(upload, key="k").status == 200


@pytest.mark.usefixtures("no_claims")
def test_of_two_that_take_up_a_dead_claim_one_starts_the_job(asker, aws, monkeypatch):
    """The other one's write comes between our reading and ours."""
    upload = asker.upload()
    job = asker.start(upload, key="k").content["id"]
    asker.s3.delete_object(Bucket=RESULTS, Key=f"jobs/{job}.json")
    name, left = claim(asker)
    asker.s3.put_object(Bucket=RESULTS, Key=name, Body=json.dumps({**left, "since": 0}).encode())
    write_if = aws.storage.write_if

    def late(key, content, was):
        asker.s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps({**left, "holder": "another"}).encode())
        return write_if(key, content, was)

    monkeypatch.setattr(aws.storage, "write_if", late)
    assert asker.start(upload, key="k").code == "IDEMPOTENCY_KEY_IN_USE"
    assert len(asker.queue.seen) == 1


@pytest.mark.usefixtures("no_claims")
@pytest.mark.parametrize(
    ("other", "code"), [({}, "IDEMPOTENCY_KEY_IN_USE"), ({"body": "0" * 64}, "IDEMPOTENCY_KEY_REUSED")]
)
def test_of_two_that_come_together_one_starts_the_job(asker, aws, monkeypatch, other, code):
    upload = asker.upload()
    write_if = aws.storage.write_if

    def late(key, content, was):
        first = {**json.loads(content), "job": "0" * 32, "holder": "another", **other}
        asker.s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps(first).encode())
        return write_if(key, content, was)

    monkeypatch.setattr(aws.storage, "write_if", late)
    assert asker.start(upload, key="k").code == code
    assert not asker.queue.seen


@pytest.mark.usefixtures("no_claims")
def test_a_claim_that_the_sdk_wrote_twice_is_still_ours(asker, aws, monkeypatch):
    """The answer to the first write was lost, and the second is told that the object is there."""
    write_if = aws.storage.write_if
    monkeypatch.setattr(aws.storage, "write_if", lambda *what: write_if(*what) and write_if(*what))
    assert asker.start(key="k").status == 202


REFUSED_BY_AWS = [
    (429, "ThrottlingException", "THROTTLED"),
    (400, "ValidationError", "MODEL_NOT_DEPLOYED"),
    (503, "ServiceUnavailable", "OVERLOADED"),
    (403, "AccessDeniedException", "INTERNAL_ERROR"),
]


@pytest.mark.usefixtures("no_claims")
@pytest.mark.parametrize(("status", "aws_code", "code"), REFUSED_BY_AWS)
def test_a_job_that_could_not_be_queued_may_be_sent_again_at_once(asker, status, aws_code, code):
    upload = asker.upload()
    asker.queue.will_refuse(status, aws_code)
    refused = asker.start(upload, key="k")
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "secret" not in json.dumps(refused.content)
    assert claim(asker)[1]["since"] == 0
    again = asker.start(upload, key="k")
    assert again.status == 202
    assert asker.show(again.content["id"]).content["status"] == "pending"


def test_a_refused_request_claims_no_key(asker):
    unknown = asker.start("0" * 32, key="early")
    assert unknown.code == "UPLOAD_NOT_FOUND"
    assert asker.start(key="early").status == 202
