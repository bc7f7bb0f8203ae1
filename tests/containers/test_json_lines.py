"""What a batch transform asks for: a line for each record, its answer or its error code, and 200 for all of them."""

import base64
import json

from tests.containers.pictures import encoded, solid

LINES = "application/jsonlines"
RED = encoded(solid(size=(400, 300)))


def test_each_line_has_its_answer_or_its_error(server):
    records = [{"image": base64.b64encode(body).decode()} for body in (RED, RED[:200])]
    body = "\n".join([*map(json.dumps, records), "{", ""]).encode()
    answer = server.predict(body, LINES, accept=LINES)
    assert (answer.status, answer.headers["content-type"]) == (200, LINES)
    good, cut, broken = map(json.loads, answer.response.text.split("\n"))
    assert good == server.predict(RED, "image/png").json()
    assert cut["error"].keys() == {"code", "message"}
    assert (cut["error"]["code"], broken["error"]["code"]) == ("IMAGE_UNDECODABLE", "MALFORMED_JSON")


def test_a_picture_of_its_own_has_a_line(server):
    good = server.predict(RED, "image/png", accept=LINES)
    assert good.json() == server.predict(RED, "image/png").json()
    cut = server.predict(RED[:200], "image/png", accept=LINES)
    assert (cut.status, cut.json()["error"]["code"]) == (200, "IMAGE_UNDECODABLE")


def test_what_is_not_the_records_fault_is_still_a_status(server):
    assert server.predict(b"", LINES, accept=LINES).code == "EMPTY_BODY"
    assert server.predict(b"{}", "text/csv", accept=LINES).code == "UNSUPPORTED_MEDIA_TYPE"
    assert server.predict(RED, "image/png").status == 200
