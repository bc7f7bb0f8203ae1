"""JSON that is deep, wide, long, ambiguous, or in an encoding of its own."""

import base64
import json
import time

import pytest

from contract.limits import BODIES
from tests.containers.pictures import BLUE, encoded, solid
from tests.faults.fault_requests import DEADLINE_S, GOOD, INSIDE, MIB, peak_memory_below, unharmed

MEMORY = 64 * MIB  # of bodies of 6 MB as objects, what malloc keeps in a heap of 64 MiB for each thread
PEAK = 400 * MIB  # a body of 6 MB as objects: three million empty lists of 56 bytes, and the lists of them
IMAGE = base64.b64encode(GOOD).decode()
OTHER = base64.b64encode(encoded(solid(BLUE))).decode()
SOUND = json.dumps({"image": IMAGE}).encode()
OK, MALFORMED, SHAPE = (200, None), (400, "MALFORMED_JSON"), (400, "INVALID_REQUEST")
BASE64, PARAMETER = (400, "INVALID_BASE64"), (400, "INVALID_PARAMETER")
ROOM = BODIES.realtime - len(SOUND) - 100


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def outcome(server, body: bytes, content_type: str = "application/json") -> tuple[int, str | None]:
    reply = server.predict(body, content_type)
    assert not INSIDE.search(reply.response.text), reply.response.text
    return reply.status, reply.code


def beside(member: bytes) -> bytes:
    """A sound request with one more member."""
    return SOUND[:-1] + b", " + member + b"}"


def nested(depth: int, opened: bytes = b"[", closed: bytes = b"]", inside: bytes = b"") -> bytes:
    return opened * depth + inside + closed * depth


@pytest.mark.parametrize(
    ("depth", "expected"), [(50, SHAPE), (100, SHAPE), (101, MALFORMED), (120, MALFORMED), (250_000, MALFORMED)]
)
def test_lists_may_nest_a_hundred_deep_and_no_deeper(server, depth, expected):
    assert outcome(server, nested(depth)) == expected
    assert outcome(server, nested(depth, b'{"a":', b"}", b"1")) == expected


@pytest.mark.parametrize(
    ("depth", "expected"), [(50, OK), (99, OK), (100, MALFORMED), (120, MALFORMED), (250_000, MALFORMED)]
)
def test_depth_counts_wherever_it_is(server, depth, expected):
    assert outcome(server, beside(b'"x": ' + nested(depth))) == expected
    assert outcome(server, beside(b'"x": ' + nested(depth, b'{"a":', b"}", b"1"))) == expected


@pytest.mark.parametrize("opened", [b"[", b'{"a":', b'[{"a":', b"[[],"], ids=repr)
def test_what_opens_and_never_closes_is_refused_at_once(server, opened):
    started = time.monotonic()
    assert outcome(server, opened * 250_000) == MALFORMED
    assert time.monotonic() - started < DEADLINE_S / 4


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1E+400", "nan", "inf", "-NaN"])
@pytest.mark.parametrize("where", ["x", "top_k", "threshold", "image"])
def test_a_number_that_is_not_finite_is_refused_wherever_it_is(server, where, value):
    assert outcome(server, beside(f'"{where}": {value}'.encode())) == MALFORMED
    assert outcome(server, beside(f'"{where}": [{{"y": {value}}}]'.encode())) == MALFORMED


@pytest.mark.parametrize("digits", [21, 5_000, 1_000_000])
def test_an_integer_of_too_many_digits_is_refused_at_once(server, digits):
    started = time.monotonic()
    for sign in (b"", b"-"):
        assert outcome(server, beside(b'"top_k": ' + sign + b"9" * digits)) == MALFORMED
    assert time.monotonic() - started < DEADLINE_S / 4


@pytest.mark.parametrize(
    "number", [b"0." + b"1" * 1_000_000, b"0." + b"0" * 1_000_000 + b"1", b"1" * 300 + b".5e-300", b"1e-999999999"]
)
def test_a_number_of_many_digits_is_read_in_time_or_refused(server, number):
    started = time.monotonic()
    assert outcome(server, beside(b'"threshold": ' + number)) in {OK, MALFORMED, PARAMETER}
    assert time.monotonic() - started < DEADLINE_S / 4


@pytest.mark.parametrize("number", [b"01", b"+1", b".5", b"1.", b"0x10", b"1_000", b"1e", b"--1", "١".encode(), b"1 2"])
def test_a_number_that_json_does_not_know_is_refused(server, number):
    assert outcome(server, beside(b'"top_k": ' + number)) == MALFORMED


@pytest.mark.parametrize(
    "value", ["2147483648", "-1", "1e3", "99999999999999999999", "0.5", '"1e3"', "[1]", "{}", "true"]
)
def test_a_number_out_of_range_is_an_invalid_parameter(server, value):
    assert outcome(server, beside(f'"top_k": {value}'.encode())) == PARAMETER


def test_of_a_key_given_twice_the_last_counts(server):
    """RFC 8259, 4, leaves it open; most readers do so."""
    body = f'{{"image": "{IMAGE}", "image": "{OTHER}", "top_k": 3, "top_k": 1}}'.encode()
    assert list(server.predict(body, "application/json").scores()) == ["blue"]
    for last in ("null", "1", "[]", '{"image": 1}'):
        assert outcome(server, beside(f'"image": {last}'.encode())) == SHAPE
    assert outcome(server, beside(b'"url": 1, "url": 2')) == (400, "URL_INPUT_UNSUPPORTED")


@pytest.mark.parametrize(
    "body",
    [
        SOUND.replace(b"image", b"ima\xffge"),
        beside(b'"x": "\xc3\x28"'),
        beside(b'"x": "\xed\xa0\x80"'),
        beside(b'"x": "\xc0\xaf"'),
        beside(b'"x": "\xf5\x80\x80\x80"'),
        SOUND + b"\xff",
        b"\xff\xfe" + SOUND,
        b"\xef\xbb" + SOUND,
        b"\x80" * 1000,
    ],
)
def test_bytes_that_are_no_text_are_refused(server, body):
    assert outcome(server, body) == MALFORMED


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_read_as_what_it_is_or_refused(server, codec):
    body = json.dumps({"image": OTHER, "top_k": 1}).encode(codec)
    reply = server.predict(body, "application/json")
    assert (reply.status, reply.code) in {OK, MALFORMED}
    assert reply.status != 200 or list(reply.scores()) == ["blue"]


@pytest.mark.parametrize("codec", ["utf-7", "utf-16", "cp037", "iso2022_jp"])
def test_the_charset_of_the_type_changes_nothing(server, codec):
    assert outcome(server, SOUND, f"application/json; charset={codec}") == OK


@pytest.mark.parametrize("text", [r"\ud800", r"\udfff\ud800", r"\ud83d\u0000", r"\u0000", r"\uffff", "\\ud800" * 1000])
def test_half_characters_and_nulls_harm_nobody(server, text):
    assert outcome(server, f'{{"image": "{text}"}}'.encode()) == BASE64
    assert outcome(server, f'{{"image": "{IMAGE}{text}"}}'.encode()) == BASE64
    assert outcome(server, beside(f'"{text}": "{text}"'.encode())) == OK
    assert outcome(server, beside(f'"threshold": "{text}"'.encode())) == PARAMETER
    assert outcome(server, beside(f'"top_k": "{text}"'.encode())) == PARAMETER


@pytest.mark.parametrize(
    "body",
    [
        SOUND + b"\x00",
        b"\x00" + SOUND,
        SOUND.replace(b"/9j", b"/\x009j"),
        beside(b'"x": "\x00"'),
        beside(b'"x": "\n"'),
        beside(b"'x': 1"),
        beside(b"x: 1"),
        SOUND[:-1] + b",}",
        SOUND + SOUND,
        SOUND + b"\n{}",
        b"// \n" + SOUND,
        b'{"image": "\\x41"}',
        b'{"image": "\\u00"}',
        b'{"image": "',
        b"nul",
        b" ",
        b"\xef\xbb\xbf",
        b"\x1b[31m",
        SOUND[:-1],
    ],
    ids=lambda body: repr(body[:8] + body[-8:]),
)
def test_what_json_does_not_allow_is_refused(server, body):
    assert outcome(server, body) == MALFORMED


def keys(count: int) -> bytes:
    return b",".join(b'"%x":0' % number for number in range(count))


WIDE = {
    "as many keys as fit": (beside(keys(ROOM // 10)), OK),
    "a million times one key": (beside(b'"":0,' * 1_000_000 + b'"":0'), OK),
    "a string of 5 MB": (beside(b'"x": "' + b"x" * 5_000_000 + b'"'), OK),
    "a string of wide characters": (beside(b'"x": "' + "\U0001f600".encode() * 1_200_000 + b'"'), OK),
    "a string of escapes": (beside(b'"x": "' + b"\\u20ac" * (ROOM // 6) + b'"'), OK),
    "a key of 5 MB": (beside(b'"' + b"x" * 5_000_000 + b'": 0'), OK),
    "an image of 5 MB": (b'{"image": "' + b"A" * 5_000_000 + b'"}', (415, "UNSUPPORTED_MEDIA_TYPE")),
    "an image of 5 MB of nonsense": (b'{"image": "' + b"!" * 5_000_000 + b'"}', BASE64),
    "three million numbers": (beside(b'"x": [' + b"1," * (ROOM // 2 - 10) + b"1]"), OK),
    "floats": (beside(b'"x": [' + b"1e9," * (ROOM // 4 - 10) + b"1]"), OK),
    "empty lists": (beside(b'"x": [' + b"[]," * (ROOM // 3 - 10) + b"1]"), OK),
    "empty objects": (beside(b'"x": [' + b"{}," * (ROOM // 3 - 10) + b"1]"), OK),
    "lists, each as deep as allowed": (beside(b'"x": [' + (nested(97) + b",") * (ROOM // 195 - 10) + b"1]"), OK),
    "instances without end": (b'{"instances": [' + b'"",' * (ROOM // 3) + b'""]}', SHAPE),
    "blanks": (b" " * ROOM + SOUND, OK),
    "no blanks": (b'{"image": "' + b" " * ROOM + b'"}', BASE64),
}


@pytest.mark.parametrize("what", WIDE)
def test_a_body_of_very_many_things_is_read_in_time_and_forgotten(server, what):
    body, expected = WIDE[what]
    assert len(body) <= BODIES.realtime
    started = time.monotonic()
    with peak_memory_below(server, PEAK):
        assert outcome(server, body) == expected
    assert time.monotonic() - started < DEADLINE_S / 2
