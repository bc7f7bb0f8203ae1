"""What the networks share: blocks of convolution, and attention over a picture cut into tokens.

Attention and positions: A. Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, sections 3.2 and 3.5.
"""

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

EMBEDDING = 512
_HEADS = 2
_WAVELENGTHS = 10_000.0


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    """3x3 convolution, batch normalisation, ReLU; the picture keeps its size."""
    return [
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    ]


def halving() -> nn.Module:
    """Keeps the largest of each 2x2 pixels."""
    return nn.MaxPool2d(kernel_size=2, stride=2)


def dense(features_in: int, features_out: int) -> nn.Sequential:
    """A hidden fully connected layer, which drops half of its outputs in training."""
    return nn.Sequential(nn.Linear(features_in, features_out), nn.ReLU(), nn.Dropout(0.5))


def four_blocks() -> list[nn.Sequential]:
    """What two of the networks begin with: 3 -> 64 -> 64 -> 128 -> 128 channels, and a quarter of the side."""
    return [
        nn.Sequential(*convolution(3, 64)),
        nn.Sequential(*convolution(64, 64), halving()),
        nn.Sequential(*convolution(64, 128)),
        nn.Sequential(*convolution(128, 128), halving()),
    ]


def cut(maps: torch.Tensor, tokens: int, side: int) -> torch.Tensor:
    """[n, channels, height, width] -> [n, tokens, channels * side * side].

    Each channel's memory is cut into `tokens` runs of side * side numbers. These runs lie along the rows and are no
    square windows; the published weights were trained on them, so they stay.
    """
    return maps.view(-1, maps.shape[1], tokens, side * side).transpose(1, 2).flatten(2)


class TokenClassifier(nn.Module):
    """Tokens [n, tokens, features] -> embedding, positions, attention, and a linear layer over all tokens at once.

    The base of the networks with attention, which add what makes tokens of a picture.
    """

    positions: torch.Tensor

    def __init__(self, tokens: int, features: int, labels: int) -> None:
        super().__init__()
        self.patch_embedding_layer = nn.Linear(features, EMBEDDING)
        self.sa = SelfAttention()
        self.fc = nn.Sequential(nn.Linear(tokens * EMBEDDING, labels))
        self.register_buffer("positions", sinusoids(tokens, EMBEDDING), persistent=False)

    def classify(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits [n, labels]."""
        attended = self.sa(self.patch_embedding_layer(tokens) + self.positions)
        logits: torch.Tensor = self.fc(attended.flatten(1))
        return logits


class SelfAttention(nn.Module):
    """Multi-head attention of tokens [n, tokens, EMBEDDING] to each other; the same shape comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.W_q = nn.Linear(EMBEDDING, EMBEDDING)
        self.W_k = nn.Linear(EMBEDDING, EMBEDDING)
        self.W_v = nn.Linear(EMBEDDING, EMBEDDING)
        self.W_o = nn.Linear(EMBEDDING, EMBEDDING)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """softmax(Q K^T / sqrt(d_k)) V for each head; the heads side by side, mixed by W_o."""
        query, key, value = (_split(project(tokens)) for project in (self.W_q, self.W_k, self.W_v))
        heads = scaled_dot_product_attention(query, key, value)
        mixed: torch.Tensor = self.W_o(heads.transpose(1, 2).flatten(2))
        return mixed


def _split(projected: torch.Tensor) -> torch.Tensor:
    """[n, tokens, EMBEDDING] -> [n, heads, tokens, EMBEDDING / heads]."""
    return projected.view(-1, projected.shape[1], _HEADS, EMBEDDING // _HEADS).transpose(1, 2)


def sinusoids(tokens: int, width: int) -> torch.Tensor:
    """Positions [tokens, width]: sin(place / 10000^(2i / width)) in the even columns 2i, the cosine in the odd ones."""
    place = torch.arange(tokens, dtype=torch.float64)[:, None]
    angle = place / _WAVELENGTHS ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).float()
