"""Media types and options are read the same way at both ends."""

import pytest

from contract.errors import InvalidParameter, UnsupportedMediaType
from contract.media import media_type, sniff
from contract.options import Options, header_value, read_header

ACCEPTS = ("image/jpeg", "application/json")


@pytest.mark.parametrize("sent", ["image/jpeg", "IMAGE/JPEG", "image/jpg", "image/jpeg; q=1", " image/jpeg "])
def test_reads_a_type_in_any_spelling(sent):
    assert media_type(sent, None, ACCEPTS) == "image/jpeg"


@pytest.mark.parametrize(
    ("sent", "encoding"), [(None, None), ("", None), ("text/html", None), ("image/png", None), ("image/jpeg", "gzip")]
)
def test_refuses_other_types_and_encodings_and_names_what_it_takes(sent, encoding):
    with pytest.raises(UnsupportedMediaType, match="image/jpeg, application/json"):
        media_type(sent, encoding, ACCEPTS)
    assert media_type("image/jpeg", "identity", ACCEPTS) == "image/jpeg"


def test_sniffs_three_kinds_of_image():
    assert sniff(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert sniff(b"\x89PNG\r\n\x1a\n....") == "image/png"
    assert sniff(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert sniff(b"RIFF\0\0\0\0WAVE") is None
    assert sniff(b"") is None


@pytest.mark.parametrize("options", [Options(), Options(5), Options(None, 0.25), Options(1000, 1.0)])
def test_options_survive_the_header(options):
    assert read_header(header_value(options, "a-1")) == (options, "a-1")


def test_an_id_that_is_not_plain_is_none():
    assert read_header("request_id=a b\r\nx") == (Options(), None)
    assert read_header("") == (Options(), None)
    assert read_header("top_k=2,other=1,,=") == (Options(top_k=2), None)


@pytest.mark.parametrize(
    "values",
    [{"top_k": value} for value in (0, 1001, -1, 1.5, True, "x", "", "1e3", [1], "²", "9" * 5000)]
    + [{"threshold": value} for value in (-0.1, 1.1, "nan", "inf", True, "x", [], 10**400)],
)
def test_refuses_options_out_of_range(values):
    with pytest.raises(InvalidParameter):
        Options.read(values)
