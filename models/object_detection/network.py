"""The network: for each cell of 8 x 8 pixels, is this the middle of an object, of which kind, how far to its edges?

Anchor-free and in one stage, after TTFNet (Liu et al., AAAI 2020, arXiv:1909.00700): class heatmaps, and the
distances from the cell's centre to the left, top, right and bottom of the object. One way down to cells of 32
pixels, which see a whole object, and back up to cells of 8, which tell neighbours apart.
"""

import keras
from keras import layers

from models.object_detection.dataset import INPUT_SIDE_PX
from models.object_detection.shapes import KINDS

STRIDE_PX = 8
GRID = INPUT_SIDE_PX // STRIDE_PX
REACH_PX = 32.0
"""The distance that a raw output of 0 stands for; a raw output is the logarithm of a distance over this one."""

_RARE_LOGIT = -4.6  # at the start every cell says 1 %, or the many empty ones would drown the few others


def build_network() -> keras.Model:
    """float32 [n, 256, 256, 3] in -1..1 -> [n, 32, 32, kinds + 4]: logits of the kinds, then raw distances."""
    picture = layers.Input((INPUT_SIDE_PX, INPUT_SIDE_PX, 3), name="picture")
    x = _convolve(picture, 24, kernel=7, stride=4)
    fine = _convolve(_convolve(x, 48, stride=2), 48)
    middle = _convolve(_convolve(fine, 80, stride=2), 80)
    coarse = _convolve(_convolve(middle, 112, stride=2), 112)
    middle = _join(middle, coarse, 80)
    fine = _join(fine, middle, 56)
    heat = layers.Conv2D(len(KINDS), 1, bias_initializer=keras.initializers.Constant(_RARE_LOGIT), name="kinds")(fine)
    edges = layers.Conv2D(4, 1, name="edges")(fine)
    return keras.Model(picture, layers.Concatenate(name="cells")([heat, edges]), name="scene_detector")


def _join(fine: keras.KerasTensor, coarse: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """What the coarse cells know, told to the fine ones."""
    return _convolve(layers.Concatenate()([layers.UpSampling2D(2)(coarse), fine]), filters)


def _convolve(x: keras.KerasTensor, filters: int, *, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))
