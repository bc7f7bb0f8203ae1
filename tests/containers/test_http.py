"""HTTP/1.1 as clients and proxies speak it: connections kept and closed, requests that overlap, offers and promises."""

import re
import time

import pytest

from contract.limits import BODIES
from tests.faults.fault_requests import GOOD, Answer, Connection, chunk, head

ASKING = head("Content-Type: image/jpeg", f"Content-Length: {len(GOOD)}") + GOOD
PING = head(start="GET /ping HTTP/1.1")
KEPT_S = 0.3


def answers(server, sent: bytes, count: int) -> tuple[list[Answer | None], bool]:
    """The first answers to these bytes, and whether the connection was closed then."""
    with Connection(server) as connection:
        connection.send([sent])
        return [connection.answer() for _ in range(count)], connection.is_closed(KEPT_S)


def test_requests_sent_at_once_are_answered_in_their_order(server):
    wrong = head("Content-Type: text/plain", "Content-Length: 3") + b"abc"
    got, closed = answers(server, ASKING + PING + wrong + ASKING + head(start="GET /nowhere HTTP/1.1") + PING, 6)
    assert [answer.status for answer in got] == [200, 200, 415, 200, 404, 200]
    assert [bool(answer.body) for answer in got] == [True, False, True, True, True, False]
    assert not closed


def test_hundreds_of_requests_sent_at_once_are_all_answered(server):
    got, _ = answers(server, (ASKING + PING) * 200, 400)
    assert {answer.status for answer in got[1::2]} == {200}
    assert {answer.code for answer in got[::2]} <= {None, "OVERLOADED"}


@pytest.mark.parametrize(
    ("start", "header", "closed"),
    [
        ("GET /ping HTTP/1.1", "X: y", False),
        ("GET /ping HTTP/1.1", "Connection: close", True),
        ("GET /ping HTTP/1.0", "X: y", True),
        ("GET /ping HTTP/1.0", "Connection: keep-alive", False),
    ],
)
def test_a_connection_is_kept_as_the_client_asks(server, start, header, closed):
    (answer,), was_closed = answers(server, head(header, start=start), 1)
    assert (answer.status, was_closed) == (200, closed)
    assert (answer.headers.get("connection") == "close") == closed


def test_a_head_request_is_answered_without_a_body(server):
    got, _ = answers(server, head(start="HEAD /execution-parameters HTTP/1.1") + PING, 1)
    assert got[0].status == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/invocations", "POST"), ("POST", "/ping", "GET, HEAD")]
)
def test_another_method_is_told_which_there_are(server, method, path, allowed):
    (answer,), _ = answers(server, head("Content-Length: 0", start=f"{method} {path} HTTP/1.1"), 1)
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", allowed)


@pytest.mark.parametrize("target", ["/ping?x=1", "/ping?", "http://x/ping", "/ping#x"])
def test_the_path_alone_chooses_the_route(server, target):
    (answer,), _ = answers(server, head(start=f"GET {target} HTTP/1.1"), 1)
    assert answer.status == 200


def test_who_asks_first_whether_to_send_is_told_to(server):
    promise = head("Content-Type: image/jpeg", f"Content-Length: {len(GOOD)}", "Expect: 100-continue")
    with Connection(server) as connection:
        connection.send([promise])
        assert connection._socket.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send([GOOD])
        assert connection.answer().status == 200


def test_who_asks_first_and_promises_too_much_is_refused_before_it_sends(server):
    promise = head("Content-Type: image/jpeg", f"Content-Length: {BODIES.realtime + 1}", "Expect: 100-continue")
    (answer,), _ = answers(server, promise, 1)
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


def test_after_a_refusal_the_rest_of_the_body_is_passed_over_and_the_connection_goes_on(server):
    refused = head("Content-Type: text/plain", "Content-Length: 1000000") + bytes(1_000_000)
    chunked = head("Content-Type: text/plain", "Transfer-Encoding: chunked") + chunk(bytes(1000)) * 1000 + chunk(b"")
    got, _ = answers(server, refused + chunked + ASKING, 3)
    assert [answer.status for answer in got] == [415, 415, 200]


def test_a_refusal_arrives_though_the_client_wants_the_connection_closed_and_still_sends(server):
    head_of_it = head("Content-Type: text/plain", "Content-Length: 3000000", "Connection: close")
    with Connection(server) as connection:
        connection.send([head_of_it])
        for _ in range(30):
            connection.send([bytes(100_000)])
        assert connection.answer().status == 415
        assert connection.is_closed()


@pytest.mark.parametrize("offer", ["websocket", "h2c"])
def test_an_offer_of_another_protocol_is_passed_over(server, offer):
    offered = head("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {offer}", start="GET /ping HTTP/1.1")
    got, _ = answers(server, offered + PING, 2)
    assert [answer.status for answer in got] == [200, 200]


def test_an_answer_has_a_date_and_the_length_of_its_body(server):
    (answer,), _ = answers(server, ASKING, 1)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"])
    assert abs(time.mktime(time.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.time()) < 86_400
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_a_type_or_encoding_given_twice_is_no_type(server):
    twice = head("Content-Type: image/jpeg", "Content-Type: image/png", f"Content-Length: {len(GOOD)}") + GOOD
    (answer,), _ = answers(server, twice, 1)
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
