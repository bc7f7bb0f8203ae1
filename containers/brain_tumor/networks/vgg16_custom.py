"""The same VGG16 as vgg16_bn.py, written as thirteen named layers: only the names of its parameters differ."""

from collections.abc import Mapping

import torch
from torch import nn

from brain_tumor.layers import convolution, dense, halving

_CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
_HALVING = (2, 4, 7, 10, 13)  # the layers that end a stage


class Vgg16Custom(nn.Module):
    """Pictures [n, 3, height, width] of 32 pixels a side or more -> logits [n, labels]."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self._convolutions = [f"layer{number}" for number in range(1, len(_CHANNELS))]
        for number, name in enumerate(self._convolutions, start=1):
            layer = nn.Sequential(*convolution(_CHANNELS[number - 1], _CHANNELS[number]))
            self.add_module(name, layer.append(halving()) if number in _HALVING else layer)
        self.adaptivepool = nn.AdaptiveAvgPool2d((7, 7))
        self.fc1 = dense(512 * 7 * 7, 4096)
        self.fc2 = dense(4096, 4096)
        self.fc3 = nn.Sequential(nn.Linear(4096, labels))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The logits, of which a softmax makes probabilities."""
        maps = pictures
        for name in self._convolutions:
            maps = self.get_submodule(name)(maps)
        logits: torch.Tensor = self.fc3(self.fc2(self.fc1(self.adaptivepool(maps).flatten(1))))
        return logits


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 there is one shape only
    """The untrained network for `labels` outputs."""
    return Vgg16Custom(labels)
