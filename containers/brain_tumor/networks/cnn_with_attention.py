"""Four convolutions, whose maps are cut into 49 tokens that attend to each other."""

from collections.abc import Mapping

import torch
from torch import nn

from brain_tumor.layers import TokenClassifier, cut, four_blocks

_TOKENS, _SIDE = 49, 2  # of 14 x 14 maps


class CnnWithAttention(TokenClassifier):
    """Pictures [n, 3, height, width] of any size -> logits [n, labels]."""

    def __init__(self, labels: int) -> None:
        super().__init__(_TOKENS, 128 * _SIDE * _SIDE, labels)
        self.layer1, self.layer2, self.layer3, self.layer4 = four_blocks()
        self.adaptivepool = nn.AdaptiveAvgPool2d((14, 14))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The logits, of which a softmax makes probabilities."""
        maps = self.layer4(self.layer3(self.layer2(self.layer1(pictures))))
        return self.classify(cut(self.adaptivepool(maps), _TOKENS, _SIDE))


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 there is one shape only
    """The untrained network for `labels` outputs."""
    return CnnWithAttention(labels)
