"""No convolution: the picture itself, averaged to 200 x 200, is cut into 400 tokens that attend to each other."""

from collections.abc import Mapping

import torch
from torch import nn

from brain_tumor.layers import TokenClassifier, cut

_TOKENS, _SIDE = 400, 10  # of 200 x 200 pixels


class OnlyAttention(TokenClassifier):
    """Pictures [n, 3, height, width] of any size -> logits [n, labels]."""

    def __init__(self, labels: int) -> None:
        super().__init__(_TOKENS, 3 * _SIDE * _SIDE, labels)
        self.adaptivepool = nn.AdaptiveAvgPool2d((200, 200))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The logits, of which a softmax makes probabilities."""
        return self.classify(cut(self.adaptivepool(pictures), _TOKENS, _SIDE))


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 there is one shape only
    """The untrained network for `labels` outputs."""
    return OnlyAttention(labels)
