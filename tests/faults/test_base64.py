"""Base64 that is none, or almost: refused unless it is RFC 4648, standard alphabet, with padding."""

import base64
import random

import pytest

from tests.containers.pictures import encoded, solid
from tests.faults.fault_requests import GOOD, INSIDE, MIB, unharmed

MEMORY = 32 * MIB  # texts of up to 4 MB, as bytes, as str and decoded, of which malloc keeps some
IMAGE = base64.b64encode(GOOD).decode()
SEED = 20_260_711
INVALID, EMPTY, UNSUPPORTED = (400, "INVALID_BASE64"), (400, "EMPTY_BODY"), (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.fixture(autouse=True, scope="module")
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def outcome(server, image: object) -> tuple[int, str | None]:
    """Alone, and between two sound images, where one that is refused refuses all."""
    alone, between = (server.predict_json(body) for body in ({"image": image}, {"instances": [IMAGE, image, IMAGE]}))
    assert (alone.status, alone.code) == (between.status, between.code)
    assert not INSIDE.search(alone.response.text + between.response.text)
    return alone.status, alone.code


def test_base64_as_it_should_be_is_read(server):
    assert outcome(server, IMAGE) == (200, None)


def with_both_special_characters() -> bytes:
    """A picture whose base64 holds + and /, which the other alphabet writes as - and _."""
    body = encoded(solid(), "JPEG", comment=b"\xfb\xff\xbf" * 20)
    assert {"+", "/"} <= set(base64.b64encode(body).decode())
    return body


GARBLED = {
    "the alphabet of URLs": base64.urlsafe_b64encode(with_both_special_characters()).decode(),
    "a data: URL": f"data:image/jpeg;base64,{IMAGE}",
    "no padding": base64.b64encode(GOOD + bytes((1 - len(GOOD)) % 3)).decode().rstrip("="),  # which would be ==
    "padding in the middle": IMAGE[:100] + "==" + IMAGE[100:],
    "too much padding": IMAGE.rstrip("=") + "====",
    "only padding": "====",
    "a single character": "A",
    "a single character and padding": "A===",
    "lines": "\n".join(IMAGE[at : at + 76] for at in range(0, len(IMAGE), 76)),
    "lines of mail": base64.encodebytes(GOOD).decode(),
    "a line end": IMAGE + "\n",
    "a leading blank": " " + IMAGE,
    "blanks": " ".join(IMAGE),
    "a tab": IMAGE[:4] + "\t" + IMAGE[4:],
    "a null": IMAGE[:4] + "\0" + IMAGE[4:],
    "only blanks": "    ",
    "hexadecimal with a prefix": "0x" + GOOD.hex() + "!",
    "base85": base64.b85encode(GOOD).decode() + "~",
    "ascii85": base64.a85encode(GOOD, adobe=True).decode(),
    "a percent sign for each special character": IMAGE.replace("/", "%2F").replace("+", "%2B"),
    "an escape for each special character": IMAGE.replace("/", "\\/"),
    "full-width letters": "".join(chr(ord(letter) + 0xFEE0) for letter in IMAGE),
    "Cyrillic letters": IMAGE.replace("A", "А"),
    "an invisible character": IMAGE[:8] + "\u200b" + IMAGE[8:],
    "a soft hyphen": IMAGE[:8] + "\xad" + IMAGE[8:],
    "a byte order mark": "\ufeff" + IMAGE,
    "ANSI": "\x1b[31m" + IMAGE,
    "quotes": f'"{IMAGE}"',
    "Python's repr": repr(base64.b64encode(GOOD)),
    "megabytes of nonsense": "%" * 4_000_000,
    "nonsense after megabytes of sense": "A" * 4_000_000 + "%%%%",
}


@pytest.mark.parametrize("what", GARBLED)
def test_garbled_base64_is_refused(server, what):
    assert outcome(server, GARBLED[what]) == INVALID


@pytest.mark.parametrize("image", ["", None], ids=["empty", "null"])
def test_nothing_is_refused_as_nothing(server, image):
    assert outcome(server, image) == (EMPTY if image == "" else (400, "INVALID_REQUEST"))


@pytest.mark.parametrize(
    "inside",
    [
        base64.b64encode(GOOD),
        base64.b64encode(base64.b64encode(GOOD)),
        f"data:image/jpeg;base64,{IMAGE}".encode(),
        f'{{"image": "{IMAGE}"}}'.encode(),
        GOOD.hex().encode(),
        b"\0",
        bytes(10_000),
        GOOD[1:],
    ],
    ids=["twice", "three times", "a data: URL", "JSON", "hexadecimal", "a null", "nulls", "without its first byte"],
)
def test_what_is_no_picture_once_it_is_read_is_refused(server, inside):
    assert outcome(server, base64.b64encode(inside).decode()) == UNSUPPORTED


def test_a_character_turned_into_another_is_read_or_refused(server):
    chance = random.Random(SEED)
    expected = {(200, None), INVALID, UNSUPPORTED}
    for _ in range(100):
        at = chance.randrange(len(IMAGE))
        status, code = outcome(server, IMAGE[:at] + chr(chance.randrange(1, 256)) + IMAGE[at + 1 :])
        assert (status, code) in expected or (status, (code or "").partition("_")[0]) == (422, "IMAGE")
