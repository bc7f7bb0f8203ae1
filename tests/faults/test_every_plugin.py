"""A file of every format that Pillow can write: three are read, all others refused, whatever they are called."""

import base64
import contextlib
from io import BytesIO

import pytest
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from contract.errors import ApiError
from model_server.images import decode_image
from tests.containers.pictures import encoded, solid
from tests.faults.fault_requests import MIB, outcome, unharmed

MEMORY = 8 * MIB  # every file here is smaller than 100 kB
MODES = ("RGB", "L", "1", "P", "RGBA", "F")  # the first that a format can hold
UNWRITABLE = {"BUFR", "GRIB", "HDF5", "WMF"}  # Pillow has only a place for somebody else's code
READ = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
DECLARED = ("image/jpeg", "image/png", "image/webp")
SIGNATURES = {
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF\xff\0\0\0WEBPVP8 ",
}
DAMAGED = {(422, f"IMAGE_{why}") for why in ("UNDECODABLE", "TOO_SMALL", "TOO_MANY_PIXELS")}  # a size read from junk


def written() -> dict[str, bytes]:
    """Format -> a file of it."""
    Image.init()
    files = {}
    for name in sorted(Image.SAVE):
        for mode in MODES:
            with contextlib.suppress(OSError, ValueError, KeyError):
                files[name] = encoded(solid(size=(64, 64)).convert(mode), name)
                break
    return files


FILES = written()
FOREIGN = sorted(FILES.keys() - READ.keys())


@pytest.fixture(autouse=True, scope="module")
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def test_there_is_a_file_of_every_format():
    assert FILES.keys() == Image.SAVE.keys() - UNWRITABLE
    assert len(FOREIGN) > 20


@pytest.mark.parametrize("format", READ)
def test_jpeg_png_and_webp_are_read(server, format):
    assert outcome(server.predict(FILES[format], READ[format])) == (200, None)


@pytest.mark.parametrize("format", sorted(FILES))
def test_every_other_type_is_refused(server, format):
    mime = Image.MIME.get(format) or f"image/{format.lower()}"
    for media_type in {*DECLARED, mime, "application/octet-stream"} - {READ.get(format)}:
        assert outcome(server.predict(FILES[format], media_type)) == (415, "UNSUPPORTED_MEDIA_TYPE"), media_type


@pytest.mark.parametrize("format", FOREIGN)
def test_no_other_format_is_read_out_of_json(server, format):
    reply = server.predict_json({"image": base64.b64encode(FILES[format]).decode()})
    assert outcome(reply) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("format", FOREIGN)
def test_no_other_format_is_read_behind_a_signature_of_one_that_is(server, format):
    for media_type, signature in SIGNATURES.items():
        for body in (signature + FILES[format], signature + FILES[format][len(signature) :]):
            assert outcome(server.predict(body, media_type)) in DAMAGED, media_type


def test_what_is_refused_was_a_picture():
    """Else the refusals above would mean little."""
    for name in set(FOREIGN) & Image.OPEN.keys() - UNWRITABLE - {"EPS"}:  # EPS needs Ghostscript
        with Image.open(BytesIO(FILES[name]), formats=[name]) as image:
            assert min(image.size) >= 64


def test_nothing_is_decoded_by_another_plugin(monkeypatch):
    """Nor by one of the three that is not meant: every plugin's reader is watched while every file is decoded."""
    opened = []

    def watched(plugin, read):
        def reading(image):
            opened.append(plugin)
            return read(image)

        return reading

    for plugin in plugins():
        monkeypatch.setattr(plugin, "_open", watched(plugin, plugin._open))
    for body in [*FILES.values(), *(start + body for start in SIGNATURES.values() for body in FILES.values())]:
        with contextlib.suppress(ApiError):
            decode_image(body)
    assert set(opened) <= {
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
    }


def plugins() -> list[type[ImageFile.ImageFile]]:
    """Every class that reads a format by a method of its own."""
    found, left = [], [ImageFile.ImageFile]
    while left:
        plugin = left.pop()
        left += plugin.__subclasses__()
        if "_open" in vars(plugin) and plugin is not ImageFile.ImageFile:
            found.append(plugin)
    assert len(found) > 30
    return found
