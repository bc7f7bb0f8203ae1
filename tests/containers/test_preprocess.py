"""A picture becomes the input that model.toml describes."""

import numpy as np
import pytest
from PIL import Image

from model_server.preprocess import MAX_ASPECT, dynamic_axes, prepare
from models.input_output import InputSpec
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


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (200, 100, (128, 256)),
        (100, 200, (256, 128)),
        (77, 123, (204, 128)),
        (64, 64, (128, 128)),
        (199, 100, (128, 254)),
    ],
)
def test_shorter_side_keeps_the_aspect_and_cuts_to_whole_pixels(width, height, shape):
    given = InputSpec(size=(128, 128), resize="shorter-side", std=(1, 1, 1))
    image = Image.fromarray(quarters(width, height))
    x = prepare(image, given)
    assert x.shape == (*shape, 3)
    np.testing.assert_array_equal(x, np.asarray(image.resize(shape[::-1], Image.Resampling.BILINEAR)))
    assert dynamic_axes(given) == (1, 2)


def test_shorter_side_of_a_sliver_is_its_middle():
    given = InputSpec(size=(16, 16), resize="shorter-side", std=(1, 1, 1), layout="NCHW")
    x = prepare(LEFT_BLACK.resize((5000, 10), Image.Resampling.NEAREST), given)
    assert x.shape == (3, 16, 16 * MAX_ASPECT)
    assert x[:, :, :30].max() == 0
    assert x[:, :, 34:].min() == 255
    assert dynamic_axes(given) == (2, 3)


def test_resnets_caffe_preprocessing_is_written_in_model_toml():
    from keras.applications.resnet50 import preprocess_input  # noqa: PLC0415 Keras takes seconds

    image = Image.fromarray(quarters(30, 20))
    given = InputSpec(size=(20, 30), channels="BGR", mean=(123.68, 116.779, 103.939), std=(1, 1, 1))
    expected = preprocess_input(np.asarray(image, np.float32))
    np.testing.assert_allclose(prepare(image, given), expected, atol=1e-4)
