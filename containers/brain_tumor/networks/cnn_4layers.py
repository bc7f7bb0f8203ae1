"""Four convolutions and two fully connected layers."""

from collections.abc import Mapping

import torch
from torch import nn

from brain_tumor.layers import dense, four_blocks


class FourLayers(nn.Module):
    """Pictures [n, 3, height, width] of any size -> logits [n, labels]."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.layer1, self.layer2, self.layer3, self.layer4 = four_blocks()
        self.adaptivepool = nn.AdaptiveAvgPool2d((7, 7))
        self.fc1 = dense(128 * 7 * 7, 896)
        self.fc2 = nn.Sequential(nn.Linear(896, labels))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The logits, of which a softmax makes probabilities."""
        maps = self.layer4(self.layer3(self.layer2(self.layer1(pictures))))
        logits: torch.Tensor = self.fc2(self.fc1(self.adaptivepool(maps).flatten(1)))
        return logits


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 there is one shape only
    """The untrained network for `labels` outputs."""
    return FourLayers(labels)
