"""Pictures of exactly as many pixels as are allowed: answered in time, and all that they took is given back."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from contract.limits import IMAGES
from tests.containers.pictures import RED, encoded, solid
from tests.faults.fault_requests import DEADLINE_S, MIB, QUICK_S, peak_memory_below, slowest_good_s, unharmed

MEMORY = 64 * MIB  # blocks of 16 MB, in which Pillow keeps pixels, and two bodies; one picture takes 150 to 400 MB
PEAK = 800 * MIB  # WebP: RGBA of 200 MB on the decoder's canvas, on the one before, and as bytes, and RGB of 150 MB
WIDTH = 10_000
HEIGHT = IMAGES.max_pixels // WIDTH
KINDS = {
    "JPEG": ("JPEG", "RGB", {}),
    "progressive JPEG": ("JPEG", "RGB", {"progressive": True}),
    "CMYK JPEG": ("JPEG", "CMYK", {}),
    "PNG": ("PNG", "RGB", {"compress_level": 1}),
    "1-bit PNG": ("PNG", "1", {}),
    "transparent PNG": ("PNG", "RGBA", {"compress_level": 1}),
    "palette PNG": ("PNG", "P", {"transparency": 0}),
    "16-bit PNG": ("PNG", "I;16", {"compress_level": 1}),
    "WebP": ("WEBP", "RGB", {"method": 0, "quality": 1}),
}
SMALL = "1-bit PNG"  # of 10 kB


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


def picture(kind: str, height: int = HEIGHT) -> tuple[bytes, str]:
    """A file of `WIDTH` x `height` pixels, and its type."""
    name, mode, options = KINDS[kind]
    plain = solid(RED, (WIDTH, height))
    wide = Image.new(mode, plain.size) if mode in {"1", "I;16"} else plain.convert(mode)
    return encoded(wide, name, **options), f"image/{name.lower()}"


@pytest.fixture(scope="module")
def progressive() -> bytes:
    return picture("progressive JPEG")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_of_just_as_many_pixels_is_answered_in_time(server, kind):
    body, media_type = picture(kind)
    started = time.monotonic()
    with peak_memory_below(server, PEAK):
        assert server.predict(body, media_type).status == 200
    assert time.monotonic() - started < DEADLINE_S / 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
def test_one_row_of_pixels_more_is_refused(server, kind):
    body, media_type = picture(kind, HEIGHT + 1)
    with peak_memory_below(server, 8 * MIB):
        reply = server.predict(body, media_type)
    assert (reply.status, reply.code) == (422, "IMAGE_TOO_MANY_PIXELS")


@pytest.mark.parametrize("shape", [(IMAGES.min_side_px, 65_000), (65_000, IMAGES.min_side_px)])
def test_the_narrowest_picture_is_answered(server, shape):
    assert server.predict(encoded(solid(RED, shape), "JPEG")).status == 200


@pytest.mark.parametrize("kind", ["PNG", "transparent PNG", "CMYK JPEG"])
def test_pictures_that_are_refused_at_their_end_leave_nothing_behind(server, kind):
    """Cut in the middle: all memory taken, half of it filled, until the damage shows."""
    body, media_type = picture(kind)
    for _ in range(4):
        reply = server.predict(body[: len(body) // 2], media_type)
        assert (reply.status, reply.code) == (422, "IMAGE_UNDECODABLE")


def test_a_scan_that_is_repeated_half_as_often_as_allowed_takes_less_than_half_of_the_deadline(server, progressive):
    """Every one of up to 200 scans goes over all coefficients again."""
    last = progressive[progressive.rindex(b"\xff\xda") : -2]
    body = progressive[:-2] + last * (100 - progressive.count(b"\xff\xda")) + b"\xff\xd9"
    started = time.monotonic()
    reply = server.predict(body)
    assert (reply.status, reply.code) in {(200, None), (422, "IMAGE_UNDECODABLE")}
    assert time.monotonic() - started < DEADLINE_S / 2


def test_a_request_of_many_such_pictures_holds_few_at_a_time_while_others_are_served(server):
    image = base64.b64encode(picture(SMALL)[0]).decode()
    with peak_memory_below(server, PEAK), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.predict_json, {"instances": [image] * 16})
        time.sleep(0.2)
        assert slowest_good_s(server) < 2 * QUICK_S  # both cores and Python's lock are shared with the large ones
        assert len(answer.result().json()["instances"]) == 16
