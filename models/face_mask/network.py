"""The network: the bottleneck blocks of ResNet50, fewer and narrower, so that two cores train it in minutes.

K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385.
"""

import keras
from keras import layers

from models.face_mask.canvas import IMAGE_SIDE_PX

_STAGES = ((16, 2, 1), (32, 2, 2), (64, 2, 2))  # width of a bottleneck, how many, stride of the first
_WIDENING = 4  # of a block's output against its bottleneck, as in ResNet50


def build_network(labels: int) -> keras.Model:
    """float32 [n, 96, 96, 3], BGR with ImageNet's mean subtracted -> probabilities [n, labels].

    The input is what `keras.applications.resnet50.preprocess_input` gives.
    """
    photo = layers.Input((IMAGE_SIDE_PX, IMAGE_SIDE_PX, 3), name="photo")
    x = _convolve(photo, 24, kernel=7, stride=2)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for width, blocks, stride in _STAGES:
        x = _bottleneck(x, width, stride=stride)
        for _ in range(blocks - 1):
            x = _bottleneck(x, width)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(photo, layers.Dense(labels, activation="softmax", name="mask")(x), name="mask_detector")


def _bottleneck(x: keras.KerasTensor, width: int, *, stride: int = 1) -> keras.KerasTensor:
    """1x1 down, 3x3, 1x1 up, added to its input; the shortcut is projected where the shape changes."""
    shortcut, wide = x, width * _WIDENING
    if stride != 1 or x.shape[-1] != wide:
        shortcut = _convolve(x, wide, kernel=1, stride=stride, activate=False)
    x = _convolve(x, width, kernel=1)
    x = _convolve(x, width, stride=stride)
    return layers.ReLU()(layers.Add()([_convolve(x, wide, kernel=1, activate=False), shortcut]))


def _convolve(
    x: keras.KerasTensor, filters: int, *, kernel: int = 3, stride: int = 1, activate: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.97)(x)
    return layers.ReLU()(x) if activate else x
