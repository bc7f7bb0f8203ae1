"""VGG16 with batch normalisation, with the parameter names of torchvision's `vgg16_bn`.

K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014,
arXiv:1409.1556, configuration D.
"""

from collections.abc import Mapping

import torch
from torch import nn

from brain_tumor.layers import convolution, dense, halving

_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class Vgg16(nn.Module):
    """Pictures [n, 3, height, width] of 32 pixels a side or more -> logits [n, labels]."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(*_features())
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(*dense(512 * 7 * 7, 4096), *dense(4096, 4096), nn.Linear(4096, labels))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The logits, of which a softmax makes probabilities."""
        logits: torch.Tensor = self.classifier(self.avgpool(self.features(pictures)).flatten(1))
        return logits


def _features() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for stage in _STAGES:
        for wider in stage:
            layers += convolution(channels, wider)
            channels = wider
        layers.append(halving())
    return layers


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 there is one shape only
    """The untrained network for `labels` outputs."""
    return Vgg16(labels)
