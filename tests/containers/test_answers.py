"""What a good request is answered, in every form that the contract offers."""

import base64
import csv
import io
import re

import pytest

from contract.options import HEADER
from tests.containers.model_folder import COLOURS
from tests.containers.pictures import BLUE, GREEN, RED, encoded, solid


def b64(image) -> str:
    return base64.b64encode(encoded(image)).decode()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_answers_the_raw_bytes_of_a_picture_with_labels_best_first(server, format):
    reply = server.predict(encoded(solid(BLUE), format), f"image/{format.lower()}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json()
    assert list(answer) == ["model", "version", "predictions", "notice"]
    assert (answer["model"], answer["version"], answer["notice"]) == ("colours", "1.2.3", "For tests only.")
    scores = [item["score"] for item in answer["predictions"]]
    assert answer["predictions"][0]["label"] == "blue"
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-6)
    assert {item["label"] for item in answer["predictions"]} == set(COLOURS)


def test_base64_json_is_answered_like_the_raw_bytes(server):
    raw = server.predict(encoded(solid((200, 90, 30))), "image/png")
    assert server.predict_json({"image": b64(solid((200, 90, 30)))}).json() == raw.json()


def test_many_instances_are_answered_in_their_order(server):
    reply = server.predict_json({"instances": [b64(solid(GREEN)), b64(solid(RED)), b64(solid(BLUE))]})
    assert list(reply.json()) == ["model", "version", "instances", "notice"]
    best = [item["predictions"][0]["label"] for item in reply.json()["instances"]]
    assert best == [COLOURS[1], COLOURS[0], COLOURS[2]]


def test_takes_as_many_instances_as_promised(server):
    assert len(server.predict_json({"instances": [b64(solid())] * 64}).json()["instances"]) == 64


@pytest.mark.parametrize("accept", ["text/csv", "text/csv;q=0.9, application/json;q=0.1", "text/csv, */*", "text/*"])
def test_answers_csv_with_a_quoted_row_for_each_instance_when_asked(server, accept):
    reply = server.predict_json({"instances": [b64(solid(GREEN)), b64(solid(RED))], "top_k": 2}, accept=accept)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(reply.response.text)))
    assert [row[0] for row in rows] == [COLOURS[1], COLOURS[0]]
    assert all(len(row) == 4 and float(row[1]) >= float(row[3]) for row in rows)


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "image/png", "text/csv;q=0", "text/csv, application/json", "text/csv;q=x", ""]
)
def test_answers_json_unless_csv_is_preferred(server, accept):
    assert server.predict(encoded(solid()), "image/png", accept=accept).headers["content-type"] == "application/json"


def test_top_k_and_threshold_cut_the_list(server):
    image = b64(solid(RED))
    assert len(server.predict_json({"image": image, "top_k": 2}).json()["predictions"]) == 2
    assert list(server.predict_json({"image": image, "threshold": 0.5}).scores()) == [COLOURS[0]]
    assert server.predict_json({"image": image, "threshold": 1}).scores() == {}


def test_options_come_by_header_and_those_in_the_body_win(server):
    attributes = {HEADER: "top_k=1,threshold=0.0"}
    raw = server.predict(encoded(solid()), "image/png", **attributes)
    assert len(raw.json()["predictions"]) == 1
    both = server.predict_json({"image": b64(solid()), "top_k": 2}, **attributes)
    assert len(both.json()["predictions"]) == 2


def test_says_where_the_milliseconds_went(server):
    timing = server.predict(encoded(solid()), "image/png").headers["server-timing"]
    assert re.fullmatch(r"decode;dur=\d+\.\d+,inference;dur=\d+\.\d+,encode;dur=\d+\.\d+", timing)


def test_a_safe_request_id_is_repeated_and_another_one_replaced(server):
    def answered(given: str) -> str:
        return server.predict(encoded(solid()), "image/png", x_request_id=given).headers["x-request-id"]

    assert answered("1-67891233-abcdef012345678912345678") == "1-67891233-abcdef012345678912345678"
    for unsafe in ("<script>", "a b", "x" * 200, ""):
        assert re.fullmatch(r"[0-9a-f-]{36}", answered(unsafe))


def test_does_not_say_what_it_runs_on(server):
    assert "server" not in server.predict(encoded(solid()), "image/png").headers


def test_tells_batch_transform_how_to_call(server):
    reply = server.request("GET", "/execution-parameters")
    assert sorted(reply.json()) == ["BatchStrategy", "MaxConcurrentTransforms", "MaxPayloadInMB"]
    assert reply.json()["MaxPayloadInMB"] == 6
