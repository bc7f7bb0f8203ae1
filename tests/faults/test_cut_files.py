"""Pictures that were cut on the way, or of which a bit was turned over: read, or refused with what is wrong."""

import random

import numpy as np
import pytest
from PIL import Image

from tests.containers.pictures import encoded
from tests.faults.fault_requests import INSIDE, MIB, peak_memory_below, unharmed

MEMORY = 32 * MIB  # a turned bit may announce more pixels: arenas of 16 MB, in which Pillow keeps them
PEAK = 800 * MIB  # that of a picture of the most pixels
SEED = 20_260_711
FLIPS = 200
SIDE = 96
REFUSALS = {
    (400, "EMPTY_BODY"),
    (415, "UNSUPPORTED_MEDIA_TYPE"),
    (422, "IMAGE_UNDECODABLE"),
    (422, "IMAGE_TOO_MANY_PIXELS"),
    (422, "IMAGE_TOO_SMALL"),
    (422, "IMAGE_ANIMATED"),
}
KINDS = {
    "JPEG": ("JPEG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
}


@pytest.fixture(autouse=True)
def ends_well(server):
    with unharmed(server, MEMORY):
        yield


@pytest.fixture(params=KINDS)
def sound(request) -> tuple[bytes, str]:
    """A file of a picture with detail everywhere, and its type."""
    kind, options = KINDS[request.param]
    noise = np.random.default_rng(SEED).integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8)
    detailed = Image.fromarray(noise).resize((SIDE, SIDE))
    return encoded(detailed, kind, **options), f"image/{kind.lower()}"


def outcome(server, body: bytes, media_type: str) -> tuple[int, str | None]:
    reply = server.predict(body, media_type)
    assert not INSIDE.search(reply.response.text), reply.response.text
    return reply.status, reply.code


def test_a_file_cut_at_every_twentieth_is_refused(server, sound):
    body, media_type = sound
    assert outcome(server, body, media_type) == (200, None)
    for twentieth in range(20):
        assert outcome(server, body[: len(body) * twentieth // 20], media_type) in REFUSALS, twentieth


def test_a_file_cut_anywhere_in_its_head_is_refused(server, sound):
    body, media_type = sound
    for length in range(1, 64):
        assert outcome(server, body[:length], media_type) in REFUSALS, length


def test_a_file_without_its_last_byte_is_read_or_refused(server, sound):
    body, media_type = sound
    assert outcome(server, body[:-1], media_type) in {(200, None), *REFUSALS}


def test_a_file_with_a_hole_or_filled_with_zeros_is_read_or_refused(server, sound):
    body, media_type = sound
    for twentieth in range(20):
        start, end = (len(body) * (twentieth + step) // 20 for step in (0, 1))
        for fill in (b"", bytes(end - start), b"\xff" * (end - start)):
            assert outcome(server, body[:start] + fill + body[end:], media_type) in {(200, None), *REFUSALS}


def test_a_file_with_a_bit_turned_over_is_read_or_refused(server, sound):
    """Half of them in the first 200 bytes, where the tables and the sizes are."""
    body, media_type = sound
    chance = random.Random(SEED)
    with peak_memory_below(server, PEAK):
        for flip in range(FLIPS):
            bit = chance.randrange(8 * (200 if flip % 2 else len(body)))
            damaged = bytearray(body)
            damaged[bit // 8] ^= 1 << bit % 8
            assert outcome(server, bytes(damaged), media_type) in {(200, None), *REFUSALS}, bit


def test_a_file_with_many_bits_turned_over_is_read_or_refused(server, sound):
    body, media_type = sound
    chance = random.Random(SEED)
    for _ in range(FLIPS // 2):
        damaged = bytearray(body)
        for _ in range(chance.randrange(2, 50)):
            damaged[chance.randrange(16, len(body))] = chance.randrange(256)
        assert outcome(server, bytes(damaged), media_type) in {(200, None), *REFUSALS}
