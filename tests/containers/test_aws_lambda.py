"""The model as a Lambda function, in a real process: both events, every refusal, deadlines, deaths, a bad model."""

import base64
import json
import time

import pytest

from contract.errors import TABLE
from contract.media import ACCEPTS
from contract.options import HEADER
from local.function import EventTooLarge, FunctionFailed
from tests.containers.function_process import function
from tests.containers.model_folder import COLOURS, write_spec
from tests.containers.pictures import animated, bomb, encoded, solid
from tests.faults.failing_scripts import GOOD, Mood, picture, write_failing_model, write_network

IMAGE = base64.b64encode(GOOD).decode()
TIMEOUT_S = 1


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("function")


@pytest.fixture(scope="module")
def sound(room):
    """A function whose model tells red, green and blue."""
    folder = room / "sound"
    write_network(folder)
    write_spec(folder, COLOURS, 32)
    with function(folder, room / "sound.log") as started:
        yield started


@pytest.fixture(scope="module")
def failing(room):
    """A function whose model does what the picture says; its requests may last a second."""
    environment = write_failing_model(room / "failing")
    with function(
        room / "failing", room / "failing.log", MODEL_SERVER_TIMEOUT=str(TIMEOUT_S), **environment
    ) as started:
        yield started


def best(reply) -> str:
    assert reply.status == 200, reply.text
    return reply.json()["predictions"][0]["label"]


def lines(function) -> list[dict]:
    return [line for line in function.log_lines() if line["message"] == "invocation"]


def test_answers_the_proxys_event_with_its_options_id_and_timings(sound):
    reply = sound.direct(GOOD, attributes="request_id=abc-1,top_k=1,threshold=0.5")
    assert reply.json()["predictions"] == [{"label": "red", "score": pytest.approx(1, abs=1e-3)}]
    assert (reply.json()["model"], reply.json()["version"]) == ("sound", "1.2.3")
    assert reply.headers["x-request-id"] == "abc-1"
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers[HEADER.lower()] == reply.headers["server-timing"]
    assert reply.headers["server-timing"].startswith("decode;dur=")
    line = lines(sound)[-1]
    assert (line["request_id"], line["status"], line["code"], line["bytes"]) == ("abc-1", 200, "OK", len(GOOD))
    assert line["total_ms"] >= line["inference_ms"] > 0


@pytest.mark.parametrize("path", ["/", "/invocations"])
def test_answers_a_picture_posted_to_the_url(sound, path):
    reply = sound.url(path=path, body=GOOD, query={"top_k": "2"})
    assert best(reply) == "red"
    assert len(reply.json()["predictions"]) == 2
    assert reply.headers["x-request-id"] == "url-request-1"
    assert reply.headers["cache-control"] == "no-store"


def test_answers_json_posted_to_the_url_as_text_and_as_base64(sound):
    headers = {"content-type": "application/json; charset=utf-8"}
    many = json.dumps({"instances": [IMAGE, IMAGE], "top_k": 1})
    for body in (many, many.encode()):
        content = sound.url(body=body, headers=headers).json()
        assert [one["predictions"][0]["label"] for one in content["instances"]] == ["red", "red"]


def test_answers_csv_where_it_is_preferred(sound):
    reply = sound.direct(GOOD, accept="text/csv")
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.text.startswith("red,")


@pytest.mark.parametrize("path", ["/", "/ping"])
def test_says_which_model_it_is(sound, path):
    reply = sound.url("GET", path)
    assert (reply.status, reply.json()) == (200, {"model": "sound", "version": "1.2.3"})


@pytest.mark.parametrize(
    ("method", "path", "code", "allow"),
    [
        ("GET", "/models", "ROUTE_NOT_FOUND", None),
        ("POST", "/invocations/", "ROUTE_NOT_FOUND", None),
        ("GET", "/invocations", "METHOD_NOT_ALLOWED", "POST"),
        ("POST", "/ping", "METHOD_NOT_ALLOWED", "GET"),
        ("DELETE", "/", "METHOD_NOT_ALLOWED", "GET, POST"),
    ],
)
def test_refuses_other_paths_and_methods(sound, method, path, code, allow):
    reply = sound.url(method, path, GOOD)
    assert (reply.status, reply.code) == (TABLE[code].status, code)
    assert reply.headers.get("allow") == allow
    assert best(sound.url(body=GOOD)) == "red"


JSON = "application/json"
REFUSED = {
    "no type": (GOOD, None, "", {}, "UNSUPPORTED_MEDIA_TYPE"),
    "another type": (GOOD, "image/gif", "", {}, "UNSUPPORTED_MEDIA_TYPE"),
    "an encoding": (GOOD, "image/png", "", {"content_encoding": "gzip"}, "UNSUPPORTED_MEDIA_TYPE"),
    "a type that the bytes contradict": (GOOD, "image/jpeg", "", {}, "UNSUPPORTED_MEDIA_TYPE"),
    "no body": (b"", "image/png", "", {}, "EMPTY_BODY"),
    "options": (GOOD, "image/png", "top_k=0", {}, "INVALID_PARAMETER"),
    "broken JSON": (b"{", JSON, "", {}, "MALFORMED_JSON"),
    "other JSON": (b"{}", JSON, "", {}, "INVALID_REQUEST"),
    "base64 inside": (b'{"image": "!!"}', JSON, "", {}, "INVALID_BASE64"),
    "a URL": (b'{"url": "http://x/"}', JSON, "", {}, "URL_INPUT_UNSUPPORTED"),
    "a cut picture": (encoded(solid(size=(200, 200)), "JPEG")[:400], "image/jpeg", "", {}, "IMAGE_UNDECODABLE"),
    "a bomb": (bomb(), "image/png", "", {}, "IMAGE_TOO_MANY_PIXELS"),
    "a tiny picture": (encoded(solid(size=(4, 4))), "image/png", "", {}, "IMAGE_TOO_SMALL"),
    "an animation": (animated("WEBP"), "image/webp", "", {}, "IMAGE_ANIMATED"),
}


@pytest.mark.parametrize(("body", "media_type", "attributes", "headers", "code"), REFUSED.values(), ids=REFUSED)
def test_refuses_in_the_one_envelope_and_then_answers(sound, body, media_type, attributes, headers, code):
    reply = sound.direct(body, media_type, f"request_id=bad-1,{attributes}", **headers)
    assert (reply.status, reply.code) == (TABLE[code].status, code)
    assert reply.headers["x-request-id"] == "bad-1"
    assert not any(word in reply.text for word in ("Traceback", "/opt", "documented"))
    assert (lines(sound)[-1]["code"], lines(sound)[-1]["status"]) == (code, reply.status)
    assert best(sound.direct(GOOD)) == "red"


@pytest.mark.parametrize("body", ["!!!!", "é", "abc", "\ud800"])
def test_refuses_an_event_whose_base64_is_not(sound, body):
    reply = sound.reply({"headers": {"content-type": "image/png"}, "body": body, "isBase64Encoded": True})
    assert (reply.status, reply.code) == (400, "INVALID_BASE64")
    assert best(sound.direct(GOOD)) == "red"


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        None,
        "text",
        {"key1": "value1"},
        {"headers": 5, "body": 7, "isBase64Encoded": "yes"},
        {"headers": {"content-type": 5}, "body": IMAGE},
        {"requestContext": {"http": {"method": "POST"}}, "rawPath": "/", "headers": None},
    ],
)
def test_refuses_an_event_of_another_form(sound, event):
    assert sound.reply(event).code == "UNSUPPORTED_MEDIA_TYPE"
    assert best(sound.direct(GOOD)) == "red"


@pytest.mark.parametrize("event", [{"requestContext": 5}, {"requestContext": {"http": []}, "rawPath": ["/"]}])
def test_an_event_without_a_path_leads_nowhere(sound, event):
    assert sound.reply(event).code == "ROUTE_NOT_FOUND"


def test_half_a_surrogate_in_a_text_is_no_json(sound):
    assert sound.url(body='{"image": "\ud800"}', headers={"content-type": JSON}).code == "MALFORMED_JSON"


def test_repeats_only_an_id_that_is_safe(sound):
    reply = sound.direct(GOOD, attributes="request_id=<script>")
    assert "<" not in reply.headers["x-request-id"]
    given = {"content-type": "image/png", "x-request-id": "own-1"}
    assert sound.url(body=GOOD, headers=given).headers["x-request-id"] == "url-request-1"


def test_lambda_itself_refuses_an_event_over_its_limit(sound):
    with pytest.raises(EventTooLarge):
        sound.direct(bytes(5_000_000))
    assert best(sound.direct(GOOD)) == "red"


def test_an_error_names_what_is_accepted(sound):
    message = sound.direct(GOOD, "a/b").json()["error"]["message"]
    assert ", ".join(ACCEPTS["image-classification"]) in message


@pytest.mark.parametrize("mood", [Mood.RAISE, Mood.EXIT, Mood.NAN, Mood.TOO_MANY, Mood.NOTHING, Mood.NO_NUMBERS])
def test_a_model_that_fails_is_told_without_its_reason(failing, mood):
    reply = failing.direct(picture(mood))
    assert reply.status == 502
    assert reply.code in ("MODEL_FAILED", "MODEL_OUTPUT_INVALID")
    assert not any(word in reply.text for word in ("secret", "opt", "Traceback"))
    assert best(failing.direct(GOOD)) == "red"


def test_gives_up_before_lambda_does_and_answers_once_the_inference_has_ended(failing):
    started = time.monotonic()
    reply = failing.direct(picture(Mood.SLOW, 1.4))
    assert (reply.status, reply.code) == (504, "MODEL_TIMEOUT")
    assert time.monotonic() - started < TIMEOUT_S + 0.6
    assert lines(failing)[-1]["code"] == "MODEL_TIMEOUT"
    assert best(failing.direct(GOOD)) == "red"


def test_ends_the_process_of_an_inference_that_hangs_and_the_next_one_answers(failing):
    assert failing.direct(picture(Mood.HANG)).code == "MODEL_TIMEOUT"
    with pytest.raises(FunctionFailed) as caught:
        failing.direct(GOOD)
    assert caught.value.kind == "Runtime.ExitError"
    assert any("stuck" in line["message"] for line in failing.log_lines())
    assert best(failing.direct(GOOD)) == "red"


@pytest.mark.parametrize("mood", [Mood.KILL, Mood.SEGFAULT, Mood.LEAVE])
def test_a_death_is_lambdas_to_tell_and_the_next_one_answers(failing, mood):
    with pytest.raises(FunctionFailed) as caught:
        failing.direct(picture(mood))
    assert caught.value.kind == "Runtime.ExitError"
    assert best(failing.direct(GOOD)) == "red"


def test_keeps_to_what_lambda_leaves_it_of_time(room):
    environment = write_failing_model(room / "short")
    with function(room / "short", room / "short.log", timeout_s=1.5, **environment) as short:
        assert short.direct(picture(Mood.SLOW, 1.4)).code == "MODEL_TIMEOUT"
        assert best(short.direct(GOOD)) == "red"


@pytest.mark.parametrize("fault", ["no model.toml", "a label too few", "a wrong variable"])
def test_a_model_that_cannot_be_loaded_is_one_line_in_the_log(tmp_path, fault):
    folder = tmp_path / "model"
    write_network(folder)
    write_spec(folder, COLOURS[:2] if fault == "a label too few" else COLOURS, 32)
    environment = {"MODEL_SERVER_TIMEOUT": "soon"} if fault == "a wrong variable" else {}
    if fault == "no model.toml":
        (folder / "model.toml").unlink()
    with function(folder, tmp_path / "bad.log", **environment) as bad:
        with pytest.raises(FunctionFailed) as caught:
            bad.direct(GOOD)
        assert caught.value.kind == "Runtime.ExitError"
        (line,) = bad.log_lines()
    assert (line["level"], line["message"]) == ("error", "the model cannot be served")
    assert "\n" not in line["reason"]


def test_every_line_of_the_log_is_json_without_a_byte_of_the_client(sound):
    canary = "canary-5f1e"
    sound.url(body=GOOD, path=f"/{canary}", headers={"content-type": canary, "x-note": canary})
    sound.direct(canary.encode(), attributes=f"note={canary}", accept=canary)
    assert canary not in json.dumps(sound.log_lines())
