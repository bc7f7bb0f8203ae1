"""Media types and options are read the same way at both ends."""

import pytest

from contract.errors import InvalidParameter, UnsupportedMediaType
from contract.media import media_type, sniff
from contract.options import Options, attributes, header_value

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
def test_options_and_the_request_id_survive_the_header(options):
    read = attributes(header_value(options, "a-1"))
    assert (Options.read(read), read["request_id"]) == (options, "a-1")


@pytest.mark.parametrize("header", ["", ",,", "=", "other=1", "top_k"])
def test_a_header_without_options_asks_for_nothing(header):
    assert Options.read({key: value for key, value in attributes(header).items() if value}) == Options()


@pytest.mark.parametrize(
    "values",
    [{"top_k": value} for value in (0, 1001, -1, 1.5, True, "x", "", "1e3", [1], "²", "9" * 5000)]
    + [{"threshold": value} for value in (-0.1, 1.1, "nan", "inf", True, "x", [], 10**400)],
)
def test_refuses_options_out_of_range(values):
    with pytest.raises(InvalidParameter):
        Options.read(values)
