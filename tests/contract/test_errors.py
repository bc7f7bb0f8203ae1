"""The error table is whole, and its messages never show what they were not given."""

import json
import re

import pytest

from contract.errors import TABLE, ApiError, ImageTooManyPixels, PayloadTooLarge
from contract.limits import BODIES, JOBS, PUBLIC, TIMEOUTS

DESIGNED = {
    **dict.fromkeys(("EMPTY_BODY", "MALFORMED_JSON", "INVALID_BASE64", "URL_INPUT_UNSUPPORTED"), 400),
    **dict.fromkeys(("MODEL_NOT_FOUND", "ENDPOINT_NOT_FOUND", "ASYNC_UNAVAILABLE", "JOB_NOT_FOUND"), 404),
    **dict.fromkeys(("IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_IN_USE"), 409),
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    **dict.fromkeys(("IMAGE_UNDECODABLE", "IMAGE_TOO_MANY_PIXELS", "IMAGE_TOO_SMALL", "IMAGE_ANIMATED"), 422),
    "THROTTLED": 429,
    **dict.fromkeys(("MODEL_FAILED", "MODEL_OUTPUT_INVALID"), 502),
    **dict.fromkeys(("OVERLOADED", "MODEL_NOT_READY", "MODEL_NOT_DEPLOYED"), 503),
    "MODEL_TIMEOUT": 504,
}


def test_holds_every_designed_case_with_its_status():
    assert {code: TABLE[code].status for code in DESIGNED} == DESIGNED


@pytest.mark.parametrize("error", TABLE.values(), ids=TABLE)
def test_each_error_reads_as_a_sentence_and_is_json(error):
    envelope = error(accepts="a", max_body_bytes=1, endpoints="a", **PUBLIC).envelope("id-1")
    message = envelope["error"]["message"]
    assert re.fullmatch(r"[A-Z].+\.", message)
    assert not re.search(r"\{[a-z_]+\}|documented", message)
    assert json.loads(json.dumps(envelope))["error"]["request_id"] == "id-1"


def test_what_may_be_retried_says_when():
    waits = {code for code, error in TABLE.items() if error.retry_after_s is not None}
    assert waits == {
        "THROTTLED",
        "IDEMPOTENCY_KEY_IN_USE",
        "OVERLOADED",
        "MODEL_NOT_READY",
        "MODEL_NOT_DEPLOYED",
        "STORAGE_UNAVAILABLE",
    }


def test_a_dead_functions_claim_is_free_only_when_it_is_surely_dead():
    assert JOBS.claim_s > TIMEOUTS.gateway_s > TIMEOUTS.function_s


def test_an_inline_result_fits_a_lambda_answer_whatever_its_characters():
    assert 3 * JOBS.inline_result_bytes + 100_000 < BODIES.function_event


def test_a_detail_that_is_not_known_does_not_break_the_report():
    assert "documented max pixels" in str(ImageTooManyPixels())
    assert isinstance(PayloadTooLarge(max_body_bytes=5), ApiError)


def test_the_hops_give_up_from_the_inside_out():
    assert TIMEOUTS.nested()
    assert TIMEOUTS.sdk_read_s + TIMEOUTS.sdk_connect_s <= TIMEOUTS.function_s


def test_the_largest_body_fits_a_lambda_event_as_base64():
    assert BODIES.through_function / 3 * 4 + 250_000 < BODIES.function_event
