"""A checkpoint of the published SPOTER's size and names, and what it answers, worked out from the tensors alone."""

from collections.abc import Mapping

import torch
from torch.nn import functional

WIDTH, HEADS, LAYERS, FEED_FORWARD = 108, 9, 6, 2048


def published_weights(labels: int, feed_forward: int = FEED_FORWARD, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random tensors under the names of the published class's state dict, norms and biases too."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int, scale: float = 0.1) -> torch.Tensor:
        return scale * torch.randn(*shape, generator=generator)

    def linear(name: str, outputs: int, inputs: int) -> dict[str, torch.Tensor]:
        return {f"{name}.weight": drawn(outputs, inputs), f"{name}.bias": drawn(outputs)}

    def norm(name: str) -> dict[str, torch.Tensor]:
        return {f"{name}.weight": 1 + drawn(WIDTH), f"{name}.bias": drawn(WIDTH)}

    def attention(name: str) -> dict[str, torch.Tensor]:
        projections = {f"{name}.in_proj_weight": drawn(3 * WIDTH, WIDTH), f"{name}.in_proj_bias": drawn(3 * WIDTH)}
        return projections | linear(f"{name}.out_proj", WIDTH, WIDTH)

    weights = {"row_embed": drawn(50, WIDTH), "pos": drawn(1, 1, WIDTH), "class_query": drawn(1, WIDTH)}
    for stack, attends, norms in (("encoder", "self_attn", 2), ("decoder", "multihead_attn", 3)):
        for layer in (f"transformer.{stack}.layers.{number}" for number in range(LAYERS)):
            weights |= attention(f"{layer}.{attends}")
            weights |= linear(f"{layer}.linear1", feed_forward, WIDTH) | linear(f"{layer}.linear2", WIDTH, feed_forward)
            for number in range(norms):
                weights |= norm(f"{layer}.norm{number + 1}")
        weights |= norm(f"transformer.{stack}.norm")
    return weights | linear("linear_class", labels, WIDTH)


def published_logits(weights: Mapping[str, torch.Tensor], clip: torch.Tensor) -> torch.Tensor:
    """The forward pass of one clip (frames, 54, 2) in evaluation, frames first as in the published class."""

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"])

    def attention(name: str, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        projections = weights[f"{name}.in_proj_weight"], weights[f"{name}.in_proj_bias"]
        out = weights[f"{name}.out_proj.weight"], weights[f"{name}.out_proj.bias"]
        fixed = (WIDTH, HEADS, *projections, None, None, False, 0.0, *out)
        return functional.multi_head_attention_forward(query, memory, memory, *fixed, training=False)[0]

    def feed(layer: str, x: torch.Tensor) -> torch.Tensor:
        return linear(f"{layer}.linear2", functional.relu(linear(f"{layer}.linear1", x)))

    memory = clip.flatten(start_dim=1).unsqueeze(1) + weights["pos"]
    for layer in (f"transformer.encoder.layers.{number}" for number in range(LAYERS)):
        memory = norm(f"{layer}.norm1", memory + attention(f"{layer}.self_attn", memory, memory))
        memory = norm(f"{layer}.norm2", memory + feed(layer, memory))
    memory = norm("transformer.encoder.norm", memory)
    query = weights["class_query"].unsqueeze(0)
    for layer in (f"transformer.decoder.layers.{number}" for number in range(LAYERS)):
        query = norm(f"{layer}.norm1", query + query)
        query = norm(f"{layer}.norm2", query + attention(f"{layer}.multihead_attn", query, memory))
        query = norm(f"{layer}.norm3", query + feed(layer, query))
    return linear("linear_class", norm("transformer.decoder.norm", query)).reshape(1, -1)
