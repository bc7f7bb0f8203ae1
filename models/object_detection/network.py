"""The network: for each cell of 8 x 8 pixels, is this the middle of an object, of which kind, how far to its edges?

Anchor-free and in one stage, after TTFNet (Liu et al., AAAI 2020, arXiv:1909.00700): class heatmaps, and the
distances from the cell's centre to the left, top, right and bottom of the object. One way down to cells of 32
pixels, which see a whole object, and back up to cells of 8, which tell neighbours apart.
"""

from functools import partial

import keras
from keras import layers

from models.object_detection.geometry import Geometry

REACH_PX = 32.0
"""The distance that a raw output of 0 stands for; a raw output is the logarithm of a distance over this one."""

_RARE_LOGIT = -4.6  # at the start every cell says 1 %, or the many empty ones would drown the few others


def build_network(geometry: Geometry, *, momentum: float = 0.99) -> keras.Model:
    """float32 [n, height, width, 3] in -1..1 -> [n, rows, columns, classes + 4]: their logits, then raw distances.

    `momentum` is that of the averages which batch normalisation goes by once it no longer learns: the fewer the steps,
    the lower it must be.
    """
    picture = layers.Input((geometry.height_px, geometry.width_px, 3), name="picture")
    below, right = geometry.margins_px
    whole = layers.ZeroPadding2D(((0, below), (0, right)))(picture) if below or right else picture
    convolve = partial(_convolve, momentum=momentum)
    x = convolve(whole, 24, kernel=7, stride=4)
    fine = convolve(convolve(x, 48, stride=2), 48)
    middle = convolve(convolve(fine, 80, stride=2), 80)
    coarse = convolve(convolve(middle, 112, stride=2), 112)
    middle = convolve(_joined(middle, coarse), 80)
    fine = convolve(_joined(fine, middle), 56)
    rare = keras.initializers.Constant(_RARE_LOGIT)
    heat = layers.Conv2D(geometry.classes, 1, bias_initializer=rare, name="kinds")(fine)
    edges = layers.Conv2D(4, 1, name="edges")(fine)
    return keras.Model(picture, layers.Concatenate(name="cells")([heat, edges]), name="scene_detector")


def _joined(fine: keras.KerasTensor, coarse: keras.KerasTensor) -> keras.KerasTensor:
    """What the coarse cells know, told to the fine ones."""
    return layers.Concatenate()([layers.UpSampling2D(2)(coarse), fine])


def _convolve(
    x: keras.KerasTensor, filters: int, *, momentum: float, kernel: int = 3, stride: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
