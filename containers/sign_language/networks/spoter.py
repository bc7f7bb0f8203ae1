"""SPOTER: a transformer over the landmarks of each frame, which one learned query asks for the sign.

M. Boháček and M. Hrúz, "Sign Pose-Based Transformer for Word-Level Sign Language Recognition", WACV Workshops 2022,
182-191. Parameters have the names and shapes of the published class, so its checkpoints load strictly. The decoder
has no self-attention, as published: the query is alone. Every frame gets the same learned position, also as
published, so the network does not see in which order the frames come.
"""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention

LANDMARKS = 54
FEATURES = 2 * LANDMARKS
_HEADS = 9
_LAYERS = 6
_POSITIONS = 50  # of which the published class only ever reads the first, to begin with
_DROPOUT = 0.1


class Attention(nn.Module):
    """Several heads of attention, [n, queries, d] to [n, frames, d], with nn.MultiheadAttention's parameters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, asking: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """What `asking` finds in `asked`."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        query, key, value = (
            _in_heads(linear(source, weight, bias))
            for source, weight, bias in zip((asking, asked, asked), weights, biases, strict=True)
        )
        dropped = _DROPOUT if self.training else 0.0
        found = scaled_dot_product_attention(query, key, value, dropout_p=dropped)
        answer: torch.Tensor = self.out_proj(found.transpose(1, 2).flatten(2))
        return answer


def _in_heads(x: torch.Tensor) -> torch.Tensor:
    """[n, frames, d] to [n, heads, frames, d / heads]."""
    return torch.unflatten(x, -1, (_HEADS, -1)).transpose(1, 2)


class Layer(nn.Module):
    """What layers of both kinds share: two linear layers with ReLU between, and dropout."""

    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, feed_forward)
        self.linear2 = nn.Linear(feed_forward, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(_DROPOUT)

    def feed(self, x: torch.Tensor) -> torch.Tensor:
        """The feed-forward part, before its residual."""
        fed: torch.Tensor = self.dropout(self.linear2(self.dropout(self.linear1(x).relu())))
        return fed


class EncoderLayer(Layer):
    """Frames look at each other."""

    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__(width, feed_forward)
        self.self_attn = Attention(width)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """[n, frames, d] to the same."""
        x = self.norm1(frames + self.dropout(self.self_attn(frames, frames)))
        encoded: torch.Tensor = self.norm2(x + self.feed(x))
        return encoded


class DecoderLayer(Layer):
    """The query looks at the frames; in place of its self-attention stands the query itself."""

    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__(width, feed_forward)
        self.multihead_attn = Attention(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """[n, 1, d] and the encoded frames [n, frames, d] to [n, 1, d]."""
        x = self.norm1(query + self.dropout(query))
        x = self.norm2(x + self.dropout(self.multihead_attn(x, memory)))
        decoded: torch.Tensor = self.norm3(x + self.feed(x))
        return decoded


class Stack(nn.Module):
    """Layers, and the norm after the last."""

    def __init__(self, layers: list[nn.Module], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(width)


class Transformer(nn.Module):
    """Encoder and decoder."""

    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        self.encoder = Stack([EncoderLayer(width, feed_forward) for _ in range(_LAYERS)], width)
        self.decoder = Stack([DecoderLayer(width, feed_forward) for _ in range(_LAYERS)], width)

    def forward(self, frames: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """[n, frames, d] and the query [n, 1, d] to [n, 1, d]. Loops itself: nn.TransformerDecoder wants self_attn."""
        for layer in self.encoder.layers:
            frames = layer(frames)
        memory = self.encoder.norm(frames)
        for layer in self.decoder.layers:
            query = layer(query, memory)
        decoded: torch.Tensor = self.decoder.norm(query)
        return decoded


class Spoter(nn.Module):
    """One clip of normalised landmarks [frames, 54, 2] -> logits [1, labels]."""

    def __init__(self, labels: int, feed_forward: int) -> None:
        super().__init__()
        self.row_embed = nn.Parameter(torch.rand(_POSITIONS, FEATURES))
        self.pos = nn.Parameter(self.row_embed[:1].detach().clone().unsqueeze(0))
        self.class_query = nn.Parameter(torch.rand(1, FEATURES))
        self.transformer = Transformer(FEATURES, feed_forward)
        for parameter in self.transformer.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.linear_class = nn.Linear(FEATURES, labels)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """The logits, of which a softmax makes probabilities."""
        return self.classify(clip.flatten(1).unsqueeze(0))

    def classify(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips [n, frames, 108] to logits [n, labels]: training takes several at once."""
        query = self.class_query.expand(clips.shape[0], 1, -1)
        logits: torch.Tensor = self.linear_class(self.transformer(clips + self.pos, query).squeeze(1))
        return logits


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:  # noqa: ARG001 the weights know it
    """The untrained network, with the feed-forward width and the outputs that `weights` have.

    Whether those are as many as the labels, the server checks when it starts, and says so in model.toml's words.
    """
    feed_forward = weights["transformer.encoder.layers.0.linear1.weight"].shape[0]
    return Spoter(weights["linear_class.weight"].shape[0], feed_forward)
