"""A residual network of 50 layers, written out: torchvision's does not import beside the CPU build of torch.

K. He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, table 1; the stride is in the
3x3 convolution.
"""

from collections.abc import Mapping

import torch
from torch import nn

_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # channels inside a block, blocks, stride of the first
_WIDER = 4


def _normalised(channels_in: int, channels_out: int, side: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, side, stride, side // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        out = _WIDER * channels
        self.narrow = _normalised(channels_in, channels, 1)
        self.middle = _normalised(channels, channels, 3, stride)
        self.wide = _normalised(channels, out, 1)
        same = stride == 1 and channels_in == out
        self.shortcut = nn.Identity() if same else _normalised(channels_in, out, 1, stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """[n, channels_in, height, width] to [n, 4 * channels, height / stride, width / stride]."""
        inside: torch.Tensor = self.wide(self.middle(self.narrow(maps).relu()).relu())
        both: torch.Tensor = inside + self.shortcut(maps)
        return both.relu()


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 there is one shape only
    """The untrained network for `labels` outputs: pictures [n, 3, height, width] to logits [n, labels]."""
    layers: list[nn.Module] = [_normalised(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for channels, blocks, stride in _STAGES:
        for number in range(blocks):
            layers.append(Bottleneck(width, channels, 1 if number else stride))
            width = _WIDER * channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, labels))
