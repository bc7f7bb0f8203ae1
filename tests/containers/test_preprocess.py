"""A picture becomes the input that model.toml describes."""

import numpy as np
import pytest
from PIL import Image

from model_server.preprocess import prepare
from models.spec import InputSpec
from tests.containers.pictures import quarters, solid

LEFT_BLACK = Image.fromarray(np.repeat(np.uint8([[0] * 100 + [255] * 100]), 100, axis=0)).convert("RGB")


def spec(**more) -> InputSpec:
    return InputSpec(size=(20, 30), mean=(0, 0, 0), std=(1, 1, 1), **more)


def test_stretch_is_pillows_bilinear_resize_of_the_whole_picture():
    image = Image.fromarray(quarters(123, 77))
    expected = np.asarray(image.resize((30, 20), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(prepare(image, spec()), expected)


def test_center_crop_takes_the_middle_in_the_inputs_aspect():
    wide = np.asarray(prepare(LEFT_BLACK, InputSpec(size=(20, 20), resize="center-crop", std=(1, 1, 1))))
    expected = LEFT_BLACK.crop((50, 0, 150, 100)).resize((20, 20), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(wide, np.asarray(expected))
    tall = prepare(LEFT_BLACK.rotate(90, expand=True), InputSpec(size=(20, 20), resize="center-crop", std=(1, 1, 1)))
    np.testing.assert_array_equal(tall, np.asarray(expected.rotate(90)))


def test_letterbox_keeps_the_aspect_and_pads_with_black():
    x = prepare(solid((255, 255, 255), (100, 100)), spec(resize="letterbox"))
    assert x[:, :5].max() == 0
    assert x[:, 25:].max() == 0
    assert x[:, 5:25].min() == 255


def test_letterbox_of_an_extreme_aspect_still_holds_a_line():
    assert prepare(solid((255, 255, 255), (5000, 8)), spec(resize="letterbox")).max() == 255


def test_mean_and_std_are_applied_in_the_order_red_green_blue():
    x = prepare(solid((10, 20, 30)), InputSpec(size=(8, 8), mean=(1, 2, 3), std=(1, 2, 4)))
    np.testing.assert_allclose(x[0, 0], (9, 9, 6.75))
    assert x.dtype == np.float32


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_layout_only_moves_the_axes(layout):
    image = Image.fromarray(quarters(30, 20))
    given = spec(layout=layout)
    x = prepare(image, given)
    assert x.shape == ((20, 30, 3) if layout == "NHWC" else (3, 20, 30))
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x if layout == "NHWC" else x.transpose(1, 2, 0), prepare(image, spec()))
