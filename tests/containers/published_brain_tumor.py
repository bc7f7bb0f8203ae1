"""The published brain tumour networks, told a second time: names and shapes of their state dicts, and their answers.

Written from the description of the classes alone, with functions of torch.nn.functional, so that the tests compare
the modules under test with something else than themselves.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch.nn import functional

Shapes = dict[str, tuple[int, ...]]
Weights = dict[str, torch.Tensor]

NETWORKS = ("vgg16_bn", "vgg16_custom", "cnn_4layers", "cnn_with_attention", "only_attention")
VGG_CHANNELS = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
VGG_POOLED = {2, 4, 7, 10, 13}
VGG16_BN_CONVOLUTIONS = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40]  # their places in `features`


def conv_and_norm(conv: str, norm: str, channels_in: int, channels_out: int) -> Shapes:
    shapes: Shapes = {f"{conv}.weight": (channels_out, channels_in, 3, 3), f"{conv}.bias": (channels_out,)}
    shapes |= {f"{norm}.{name}": (channels_out,) for name in ("weight", "bias", "running_mean", "running_var")}
    return shapes | {f"{norm}.num_batches_tracked": ()}


def linear(name: str, features_in: int, features_out: int) -> Shapes:
    return {f"{name}.weight": (features_out, features_in), f"{name}.bias": (features_out,)}


def layers(channels: list[int]) -> Shapes:
    shapes: Shapes = {}
    for number in range(1, len(channels)):
        shapes |= conv_and_norm(f"layer{number}.0", f"layer{number}.1", channels[number - 1], channels[number])
    return shapes


def attention(features: int, tokens: int) -> Shapes:
    shapes = linear("patch_embedding_layer", features, 512)
    for name in ("W_q", "W_k", "W_v", "W_o"):
        shapes |= linear(f"sa.{name}", 512, 512)
    return shapes | linear("fc.0", 512 * tokens, 2)


def published_shapes(network: str) -> Shapes:
    if network == "vgg16_bn":
        shapes: Shapes = {}
        for number, place in enumerate(VGG16_BN_CONVOLUTIONS):
            names = f"features.{place}", f"features.{place + 1}"
            shapes |= conv_and_norm(*names, VGG_CHANNELS[number], VGG_CHANNELS[number + 1])
        head = linear("classifier.0", 25088, 4096) | linear("classifier.3", 4096, 4096)
        return shapes | head | linear("classifier.6", 4096, 2)
    if network == "vgg16_custom":
        return (
            layers(VGG_CHANNELS) | linear("fc1.0", 25088, 4096) | linear("fc2.0", 4096, 4096) | linear("fc3.0", 4096, 2)
        )
    if network == "only_attention":
        return attention(300, 400)
    four = layers([3, 64, 64, 128, 128])
    if network == "cnn_4layers":
        return four | linear("fc1.0", 6272, 896) | linear("fc2.0", 896, 2)
    return four | attention(512, 49)


def random_weights(network: str, seed: int = 0) -> Weights:
    """A state dict of the published names and shapes, scaled so that signals neither vanish nor explode."""
    generator = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    for name, shape in published_shapes(network).items():
        noise = torch.randn(shape, generator=generator) if shape else torch.tensor(0)
        if name.endswith("num_batches_tracked"):
            weights[name] = torch.tensor(17)
        elif name.endswith("running_var"):
            weights[name] = 1 + 0.2 * noise.abs()
        elif len(shape) == 1:
            weights[name] = 0.1 * noise + (1.0 if _is_norm_scale(name, network) else 0.0)
        else:
            weights[name] = noise * math.sqrt(2 / math.prod(shape[1:]))
    return weights


def _is_norm_scale(name: str, network: str) -> bool:
    return name.removesuffix("weight") + "running_var" in published_shapes(network)


def published_answer(network: str, weights: Weights, pictures: torch.Tensor) -> torch.Tensor:
    answers: dict[str, Callable[[Weights, torch.Tensor], torch.Tensor]] = {
        "vgg16_bn": _vgg16_bn,
        "vgg16_custom": _vgg16_custom,
        "cnn_4layers": _cnn_4layers,
        "cnn_with_attention": _cnn_with_attention,
        "only_attention": _only_attention,
    }
    with torch.no_grad():
        return answers[network](weights, pictures)


def _conv_norm_relu(w: Weights, x: torch.Tensor, conv: str, norm: str) -> torch.Tensor:
    x = functional.conv2d(x, w[f"{conv}.weight"], w[f"{conv}.bias"], stride=1, padding=1)
    mean, var = w[f"{norm}.running_mean"], w[f"{norm}.running_var"]
    return functional.batch_norm(x, mean, var, w[f"{norm}.weight"], w[f"{norm}.bias"], training=False, eps=1e-5).relu()


def _linear(w: Weights, x: torch.Tensor, name: str) -> torch.Tensor:
    return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def _vgg(w: Weights, x: torch.Tensor, names: Iterator[tuple[str, str]], head: tuple[str, str, str]) -> torch.Tensor:
    for number, (conv, norm) in enumerate(names, start=1):
        x = _conv_norm_relu(w, x, conv, norm)
        x = functional.max_pool2d(x, 2, 2) if number in VGG_POOLED else x
    x = torch.flatten(functional.adaptive_avg_pool2d(x, (7, 7)), 1)
    return _linear(w, _linear(w, _linear(w, x, head[0]).relu(), head[1]).relu(), head[2])


def _vgg16_bn(w: Weights, x: torch.Tensor) -> torch.Tensor:
    names = ((f"features.{place}", f"features.{place + 1}") for place in VGG16_BN_CONVOLUTIONS)
    return _vgg(w, x, names, ("classifier.0", "classifier.3", "classifier.6"))


def _vgg16_custom(w: Weights, x: torch.Tensor) -> torch.Tensor:
    names = ((f"layer{number}.0", f"layer{number}.1") for number in range(1, 14))
    return _vgg(w, x, names, ("fc1.0", "fc2.0", "fc3.0"))


def _four(w: Weights, x: torch.Tensor) -> torch.Tensor:
    for number in range(1, 5):
        x = _conv_norm_relu(w, x, f"layer{number}.0", f"layer{number}.1")
        x = functional.max_pool2d(x, 2, 2) if number % 2 == 0 else x
    return x


def _cnn_4layers(w: Weights, x: torch.Tensor) -> torch.Tensor:
    x = torch.flatten(functional.adaptive_avg_pool2d(_four(w, x), (7, 7)), 1)
    return _linear(w, _linear(w, x, "fc1.0").relu(), "fc2.0")


def _cnn_with_attention(w: Weights, x: torch.Tensor) -> torch.Tensor:
    x = functional.adaptive_avg_pool2d(_four(w, x), (14, 14)).contiguous()
    return _attend(w, x.view(-1, 128, 49, 2, 2).transpose(1, 2).flatten(2))


def _only_attention(w: Weights, x: torch.Tensor) -> torch.Tensor:
    x = functional.adaptive_avg_pool2d(x, (200, 200)).contiguous()
    return _attend(w, x.view(-1, 3, 400, 10, 10).transpose(1, 2).flatten(2))


def _attend(w: Weights, patches: torch.Tensor) -> torch.Tensor:
    tokens = _linear(w, patches, "patch_embedding_layer") + positions(patches.shape[1], 512)
    return _linear(w, self_attention(w, tokens).flatten(1), "fc.0")


def positions(tokens: int, width: int) -> torch.Tensor:
    """Number by number, as in section 3.5 of "Attention Is All You Need"."""
    rows = []
    for place in range(tokens):
        angles = [place / 10_000 ** (2 * (column // 2) / width) for column in range(width)]
        rows.append([math.cos(a) if column % 2 else math.sin(a) for column, a in enumerate(angles)])
    return torch.tensor(rows)


def self_attention(w: Weights, tokens: torch.Tensor) -> torch.Tensor:
    """softmax(Q K^T / sqrt(256)) V, one head of 256 columns after the other."""
    q, k, v = (_linear(w, tokens, f"sa.{name}") for name in ("W_q", "W_k", "W_v"))
    heads = []
    for columns in (slice(0, 256), slice(256, 512)):
        scores = torch.einsum("nqd,nkd->nqk", q[..., columns], k[..., columns]) / 16
        heads.append(torch.einsum("nqk,nkd->nqd", scores.softmax(dim=-1), v[..., columns]))
    return _linear(w, torch.cat(heads, dim=-1), "sa.W_o")
