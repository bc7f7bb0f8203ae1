"""Whatever is made of a valid request, the answer is a documented one and says nothing about the inside."""

import base64
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contract.limits import REQUESTS
from contract.options import HEADER
from tests.containers.pictures import BLUE, RED, animated, encoded, oriented, solid
from tests.faults.fault_requests import (
    CLOSES_S,
    GOOD,
    MIB,
    Answer,
    Connection,
    ask,
    ask_until_closed,
    head,
    is_documented,
    unharmed,
)

MEMORY = 48 * MIB  # a mutated size may announce more pixels: blocks of 16 MB, in which Pillow keeps them
OFTEN = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
SELDOM = settings(OFTEN, max_examples=150)
PICTURES = {
    "image/jpeg": [
        GOOD,
        oriented(solid(RED), 6, "JPEG"),
        encoded(solid(RED), "JPEG", progressive=True),
        animated("MPO"),
    ],
    "image/png": [
        encoded(solid(RED)),
        encoded(solid(RED).convert("P"), transparency=0),
        encoded(solid(RED).convert("LA"), dpi=(72, 72)),
        oriented(solid(BLUE), 3, "PNG"),
    ],
    "image/webp": [
        encoded(solid(RED), "WEBP"),
        encoded(solid(RED), "WEBP", lossless=True),
        oriented(solid(), 8, "WEBP"),
    ],
}
IMAGE = base64.b64encode(GOOD).decode()
JSON = "application/json"
VALUES = [
    {"image": IMAGE, "top_k": 2, "threshold": 0.1},
    {"instances": [IMAGE, IMAGE]},
    {"instances": [IMAGE], "top_k": 1},
]
SOUND = [(media_type, body) for media_type, bodies in PICTURES.items() for body in bodies] + [
    (JSON, json.dumps(value).encode()) for value in VALUES
]

positions = st.floats(0, 1, exclude_max=True)
special = st.sampled_from(
    [b"\0", b"\xff\xd9", b"\xff\xda", b"IEND", b"IHDR", b"RIFF", b"\r\n", b"\r\n\r\n", b'"', b"}", b"[" * 200]
)
cuts = st.tuples(st.just("cut"), positions, st.integers(1, 400))
inserts = st.tuples(st.just("insert"), positions, st.binary(min_size=1, max_size=12) | special)
overwrites = st.tuples(st.just("overwrite"), positions, st.binary(min_size=1, max_size=12) | special)
repeats = st.tuples(st.just("repeat"), positions, st.integers(1, 400))
flips = st.tuples(st.just("flip"), positions, st.integers(0, 7))
mutations = st.lists(cuts | inserts | overwrites | repeats | flips, min_size=1, max_size=6)

names = st.sampled_from(["image", "instances", "url", "top_k", "threshold", "x", "", "Image", "image\0", "__class__"])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [IMAGE, IMAGE[:-4], IMAGE + "=", f"data:image/jpeg;base64,{IMAGE}", "file:///etc/passwd", "9" * 400]
    )
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
FIELDS = f"""accept x-request-id x-amzn-requestid {HEADER} content-encoding content-type te expect range host cookie
    connection authorization if-none-match forwarded upgrade x-forwarded-for trailer"""
ODD_FIELDS = f"""top_k=99999 request_id=../../etc,top_k=1 threshold=nan threshold=-inf top_k=1,top_k=2 =,=,= {"," * 500}
    gzip */*;q=0 text/csv;q=x text/csv 100-continue close h2c websocket {"x" * 3000} %00%0a ${{jndi:ldap://x}}"""
FRAMING = {"content-length", "transfer-encoding"}
any_name = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(lambda name: name not in FRAMING)
field_names = st.sampled_from(FIELDS.split()) | any_name
text_of_a_field = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60).map(str.strip)
field_values = text_of_a_field | st.sampled_from(ODD_FIELDS.split())


@pytest.fixture(autouse=True)
def ends_well(server):
    lines = len(server.log_lines())
    with unharmed(server, MEMORY):
        yield
    assert not [line for line in server.log_lines()[lines:] if line["level"] == "error" or "exception" in line]


def mutated(body: bytes, changes) -> bytes:
    for what, where, how in changes:
        at = int(where * len(body))
        if what == "cut":
            body = body[:at] + body[at + how :]
        elif what == "insert":
            body = body[:at] + how + body[at:]
        elif what == "overwrite":
            body = body[:at] + how + body[at + len(how) :]
        elif what == "repeat":
            body = body[: at + how] + body[at:]
        elif at < len(body):
            body = body[:at] + bytes([body[at] ^ 1 << how]) + body[at + 1 :]
    return body


def answered(reply) -> None:
    is_documented(Answer(reply.status, reply.headers, reply.response.content))


@OFTEN
@given(sound=st.sampled_from(SOUND), changes=mutations, other_type=st.none() | st.sampled_from([*PICTURES, JSON, "x"]))
def test_a_mutated_body_is_answered_by_the_table(server, sound, changes, other_type):
    media_type, body = sound
    answered(server.predict(mutated(body, changes), other_type or media_type))


@SELDOM
@given(media_type=st.sampled_from(list(PICTURES)), place=st.integers(0, 3), changes=mutations)
def test_a_mutated_picture_inside_json_is_answered_by_the_table(server, media_type, place, changes):
    bodies = PICTURES[media_type]
    image = base64.b64encode(mutated(bodies[place % len(bodies)], changes)).decode()
    answered(server.predict_json({"instances": [IMAGE, image]}))


@OFTEN
@given(value=values)
def test_any_json_is_answered_by_the_table(server, value):
    answered(server.predict(json.dumps(value).encode(), JSON))


@SELDOM
@given(sound=st.sampled_from(VALUES), more=st.dictionaries(names, values, max_size=3))
def test_a_sound_request_with_other_members_is_answered_by_the_table(server, sound, more):
    answered(server.predict(json.dumps(sound | more).encode(), JSON))


@SELDOM
@given(count=st.integers(0, REQUESTS.max_instances + 2), odd=st.none() | leaves)
def test_any_number_of_instances_is_answered_by_the_table(server, count, odd):
    answered(server.predict_json({"instances": [IMAGE] * count + [odd] * (odd is not None)}))


@OFTEN
@given(fields=st.lists(st.tuples(field_names, field_values), max_size=5))
@example(fields=[("x-request-id", "a" * 128), (HEADER, "request_id=\x7f")])
def test_any_headers_are_answered_by_the_table(server, fields):
    lines = [f"{name}: {value}" for name, value in fields if name != "content-type"]
    types = [f"{name}: {value}" for name, value in fields if name == "content-type"] or ["Content-Type: image/jpeg"]
    is_documented(ask(server, head(*types, *lines, f"Content-Length: {len(GOOD)}"), GOOD))


HEADS = [
    head("Content-Type: image/jpeg", f"Content-Length: {len(GOOD)}"),
    head("Content-Type: image/jpeg", f"{HEADER}: top_k=1", "X-Request-Id: abc", f"Content-Length: {len(GOOD)}"),
    head(start="GET /ping HTTP/1.1"),
    head("Accept: text/csv", start="GET /execution-parameters HTTP/1.1"),
]


@SELDOM
@given(sound=st.sampled_from(HEADS), changes=mutations)
@example(sound=HEADS[0], changes=[("cut", 0.0, 5)])
def test_a_mutated_head_is_answered_by_the_table_or_not_at_all(server, sound, changes):
    """What waits for more than it was sent is closed without an answer once the client says that nothing follows."""
    with Connection(server) as connection:
        connection.send([mutated(sound, changes), GOOD])
        try:
            answer = connection.answer(0.05)
        except TimeoutError:
            connection.says_no_more()
            answer = connection.answer(CLOSES_S)
    if answer is not None:
        is_documented(answer)


NONSENSE = {
    "no method": b"/ping HTTP/1.1\r\n\r\n",
    "a small method": b"get /ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version of its own": b"GET /ping HTTP/7.3\r\nHost: x\r\n\r\n",
    "a null in a name": head("Content-\0Type: image/jpeg"),
    "a null in a value": head("X: a\0b"),
    "a blank before the colon": head("X : a"),
    "no colon": head("X"),
    "no name": head(": a"),
    "a line that goes on": head("X: a\r\n b"),
    "a line end of one character": head("X: a\rY: b"),
    "a path with a null": head(start="GET /pi\0ng HTTP/1.1"),
    "a path with a blank": head(start="GET /pi ng HTTP/1.1"),
    "a path of high bytes": head(start="GET /\xff\xfe HTTP/1.1"),
    "a proxy's request": b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
    "a header of 5 MB": head("X: " + "x" * 5_000_000),
    "100,000 headers": head(*["X: x"] * 100_000),
    "a path of a megabyte": head(start="GET /" + "x" * MIB + " HTTP/1.1"),
    "line ends": b"\r\n" * 100_000 + b"\0",
    "zeros": bytes(100_000),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_what_is_not_http_is_refused_in_the_envelope_and_the_connection_closed(server, what):
    answers = ask_until_closed(server, NONSENSE[what])
    for answer in answers:
        is_documented(answer)
    assert [(answer.status, answer.code) for answer in answers] in (
        [],
        [(400, "BAD_HTTP_REQUEST")],
        [(404, "ROUTE_NOT_FOUND")],
    )
