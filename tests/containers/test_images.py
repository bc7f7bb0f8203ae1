"""The rule by which a file becomes RGB, checked by the values of pixels."""

import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from contract.errors import ImageTooManyPixels, UnusableMedia
from model_server.images import decode_image
from tests.containers.pictures import BLUE, GREEN, RED, WHITE, animated, encoded, oriented, png, quarters, solid

STORED = {  # TIFF 6.0, Orientation: what row 0 and column 0 of the stored picture are in the upright one
    1: lambda up: up,
    2: np.fliplr,
    3: lambda up: np.rot90(up, 2),
    4: np.flipud,
    5: lambda up: up.transpose(1, 0, 2),
    6: lambda up: np.rot90(up, 1),
    7: lambda up: np.rot90(up, 2).transpose(1, 0, 2),
    8: lambda up: np.rot90(up, -1),
}


def pixels(body: bytes) -> np.ndarray:
    image = decode_image(body)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_is_turned_upright(orientation, format):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](quarters())))
    turned = pixels(oriented(stored, orientation, format))
    assert turned.shape == quarters().shape
    corners = ((4, 4), (4, -4), (-4, 4), (-4, -4))
    for corner in corners:
        np.testing.assert_allclose(turned[corner].astype(int), quarters()[corner], atol=12)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_means_upright(orientation):
    np.testing.assert_array_equal(pixels(oriented(Image.fromarray(quarters()), orientation, "PNG")), quarters())


def test_cmyk_as_adobe_stores_it():
    body = encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in body
    np.testing.assert_allclose(pixels(body)[16, 16].astype(int), RED, atol=4)


def test_cmyk_without_the_adobe_marker_is_not_inverted():
    body = encoded(Image.new("CMYK", (32, 32), (255, 0, 0, 255)), "JPEG", quality=95)  # stored: 0, 255, 255, 0
    at = body.index(b"\xff\xee")
    plain = body[:at] + body[at + 2 + int.from_bytes(body[at + 2 : at + 4]) :]
    assert b"Adobe" not in plain
    np.testing.assert_allclose(pixels(plain)[16, 16].astype(int), RED, atol=4)


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    ramp = np.repeat(np.arange(0, 65536, 256, dtype=np.uint16)[None], 16, axis=0)
    values = pixels(encoded(Image.fromarray(ramp)))
    np.testing.assert_array_equal(values[0, :, 0], np.arange(256))
    assert (values[..., 0] == values[..., 1]).all()
    assert (values[..., 0] == values[..., 2]).all()


def test_sixteen_bit_grey_with_a_transparent_value_is_laid_on_white():
    wide = Image.fromarray(np.full((16, 16), 0x1234, np.uint16))
    np.testing.assert_array_equal(pixels(encoded(wide, transparency=0x1234))[8, 8], WHITE)


def test_sixteen_bit_colour_is_scaled():
    row = b"\0" + struct.pack(">3H", 0xFFFF, 0x8040, 0x0100) * 16
    body = png(struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0), zlib.compress(row * 16))
    np.testing.assert_array_equal(pixels(body)[8, 8], (255, 128, 1))


def test_a_palette_becomes_its_colours():
    image = Image.fromarray(quarters()).quantize(4)
    assert image.mode == "P"
    np.testing.assert_array_equal(pixels(encoded(image)), quarters())


def test_a_transparent_palette_entry_is_laid_on_white():
    image = Image.fromarray(quarters()).quantize(4)
    red = image.getpixel((0, 0))
    values = pixels(encoded(image, transparency=red))
    np.testing.assert_array_equal(values[4, 4], WHITE)
    np.testing.assert_array_equal(values[4, -4], GREEN)


def test_a_half_transparent_palette_entry_is_blended_with_white():
    image = Image.fromarray(quarters()).quantize(4)
    alphas = bytes(128 if entry == image.getpixel((0, 0)) else 255 for entry in range(4))
    np.testing.assert_allclose(pixels(encoded(image, transparency=alphas))[4, 4].astype(int), (255, 127, 127), atol=1)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_alpha_is_blended_with_white(format):
    image = Image.new("RGBA", (32, 32), (*BLUE, 0))
    image.paste((*BLUE, 128), (0, 0, 32, 16))
    values = pixels(encoded(image, format, **({"lossless": True} if format == "WEBP" else {}))).astype(int)
    np.testing.assert_allclose(values[4, 4], (127, 127, 255), atol=1)
    np.testing.assert_array_equal(values[28, 28], WHITE)


def test_grey_with_alpha_is_blended_with_white():
    np.testing.assert_allclose(pixels(encoded(Image.new("LA", (16, 16), (0, 64))))[8, 8].astype(int), 191, atol=1)


def test_a_colour_declared_transparent_is_laid_on_white():
    np.testing.assert_array_equal(pixels(encoded(solid(RED), transparency=RED))[8, 8], WHITE)


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_grey_becomes_three_equal_channels(format):
    np.testing.assert_array_equal(pixels(encoded(Image.new("L", (16, 16), 77), format))[8, 8], (77, 77, 77))


def test_one_bit_becomes_black_and_white():
    image = Image.new("1", (16, 16))
    image.paste(1, (0, 0, 8, 16))
    values = pixels(encoded(image))
    np.testing.assert_array_equal(values[4, 4], WHITE)
    np.testing.assert_array_equal(values[4, 12], (0, 0, 0))


def test_a_phones_mpo_is_its_first_picture():
    body = animated("MPO")
    assert Image.open(io.BytesIO(body)).n_frames == 3
    np.testing.assert_allclose(pixels(body)[8, 8].astype(int), RED, atol=4)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP"]).map(lambda kind: encoded(Image.fromarray(quarters()), kind)),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=8)), max_size=6),
    st.integers(0, 3000),
)
def test_no_damage_raises_anything_but_a_documented_error(body, edits, length):
    for at, junk in edits:
        body = body[:at] + junk + body[at + len(junk) :]
    with suppress(UnusableMedia):
        assert decode_image(body[:length]).mode == "RGB"


def test_pillow_is_left_as_it_was():
    assert Image.MAX_IMAGE_PIXELS == 89_478_485
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(
    ("side", "size"), [(None, (1600, 1200)), (150, (200, 150)), (151, (400, 300)), (601, (1600, 1200))]
)
def test_a_large_jpeg_is_decoded_no_larger_than_needed(side, size):
    assert decode_image(encoded(solid(size=(1600, 1200)), "JPEG"), side).size == size


def test_reduced_scale_is_the_same_picture():
    photo = Image.radial_gradient("L").resize((2000, 1500)).convert("RGB")
    small = [decode_image(encoded(photo, "JPEG", quality=95), side).resize((224, 224)) for side in (None, 224)]
    assert np.abs(np.asarray(small[0], int) - np.asarray(small[1], int)).max() <= 2


@pytest.mark.parametrize(
    ("given", "size"), [((1600, 1204), (400, 301)), ((1602, 1200), (801, 600)), ((1601, 1200), (1601, 1200))]
)
def test_a_scale_that_would_leave_part_of_a_pixel_is_not_used(given, size):
    """The resize that follows would lay its pixels a little aside."""
    assert decode_image(encoded(solid(size=given), "JPEG"), 100).size == size


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_only_a_jpeg_is_decoded_at_reduced_scale(format):
    assert decode_image(encoded(solid(size=(1600, 1200)), format), 100).size == (1600, 1200)


def test_reduced_scale_leaves_the_limits_and_the_orientation_as_they_are():
    body = oriented(Image.fromarray(quarters(800, 1200)), 6, "JPEG")
    assert decode_image(body, 100).size == (150, 100)
    with pytest.raises(ImageTooManyPixels):
        decode_image(encoded(solid(size=(10_000, 5_001)), "JPEG"), 8)
