"""State dicts of the published classes load strictly, answer as those classes do, and answer the same in OpenVINO."""

from functools import cache
from importlib import import_module

import numpy as np
import openvino
import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from brain_tumor.layers import EMBEDDING, SelfAttention, sinusoids
from models.torch_export import as_openvino, export
from tests.containers.published_brain_tumor import (
    NETWORKS,
    Weights,
    positions,
    published_answer,
    published_shapes,
    random_weights,
    self_attention,
)

SMALL = ("cnn_4layers", "cnn_with_attention", "only_attention")
VGG = ("vgg16_bn", "vgg16_custom")
LAST_LAYER = {
    "vgg16_bn": "classifier.6",
    "vgg16_custom": "fc3.0",
    "cnn_4layers": "fc2.0",
    "cnn_with_attention": "fc.0",
    "only_attention": "fc.0",
}


def pictures(count: int, height: int, width: int, seed: int = 1) -> torch.Tensor:
    """Lumps of brightness on shades of their own, with some noise, as differently as pictures are."""
    generator = torch.Generator().manual_seed(seed)
    lumps = torch.randn(count, 3, 5, 5, generator=generator) + torch.randn(count, 3, 1, 1, generator=generator)
    smooth = interpolate(lumps, (height, width), mode="bilinear")
    return smooth + 0.1 * torch.randn(count, 3, height, width, generator=generator)


def built(network: str, weights: Weights, labels: int = 2) -> nn.Module:
    return import_module(f"brain_tumor.networks.{network}").build(labels, weights)


def loaded(network: str, weights: Weights) -> nn.Module:
    module = built(network, weights)
    module.load_state_dict(weights, strict=True)
    return module.eval()


def telling_weights(network: str) -> Weights:
    """Random weights whose logits differ by about 1 between pictures, so that no softmax hides a difference."""
    weights, last = random_weights(network), LAST_LAYER[network]
    logits = published_answer(network, weights, pictures(4, 64, 64, seed=9)) - weights[f"{last}.bias"]
    scale = 1 / (logits[:, 1] - logits[:, 0]).std()
    weights[f"{last}.weight"] *= scale
    weights[f"{last}.bias"] = -scale * logits.mean(dim=0)
    return weights


small_weights = cache(telling_weights)  # those of VGG take half a gigabyte and are made anew


@pytest.fixture(scope="module", params=VGG)
def vgg(request):
    return request.param, telling_weights(request.param)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_has_the_published_parameters_and_no_other(network):
    with torch.device("meta"):  # shapes without memory
        state = built(network, {}).state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == published_shapes(network)
    counters = [name for name in state if name.endswith("num_batches_tracked")]
    assert all(state[name].dtype == torch.int64 for name in counters)


def test_the_published_sizes_are_those_that_are_known():
    """134.3 million parameters of torchvision's vgg16_bn with two labels: the description above counts the same."""

    def count(network: str) -> int:
        buffers = ("running_mean", "running_var", "num_batches_tracked")
        return sum(int(np.prod(s)) for name, s in published_shapes(network).items() if not name.endswith(buffers))

    assert count("vgg16_bn") == count("vgg16_custom") == 138_365_992 - 998 * 4097


@pytest.mark.parametrize("network", SMALL)
@pytest.mark.parametrize("size", [(128, 128), (128, 171), (150, 33)])
def test_a_published_state_dict_answers_as_its_class_did(network, size):
    weights, batch = small_weights(network), pictures(3, *size)
    with torch.no_grad():
        answer = loaded(network, weights)(batch)
    expected = published_answer(network, weights, batch)
    assert answer.shape == (3, 2)
    torch.testing.assert_close(answer, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(expected[0], expected[1], atol=1e-2)


@pytest.mark.parametrize("network", SMALL)
def test_a_state_dict_from_a_pth_file_loads_strictly(network, tmp_path):
    torch.save(small_weights(network), tmp_path / "model.pth")
    weights = torch.load(tmp_path / "model.pth", weights_only=True)
    batch = pictures(1, 96, 128)
    with torch.no_grad():
        answer = loaded(network, weights)(batch)
    torch.testing.assert_close(answer, published_answer(network, weights, batch), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("network", SMALL)
def test_other_weights_do_not_load(network):
    weights = dict(small_weights(network))
    weights["layer9.0.weight"] = torch.zeros(1)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        loaded(network, weights)
    del weights["layer9.0.weight"]
    renamed = weights.pop(f"{LAST_LAYER[network]}.bias")
    with pytest.raises(RuntimeError, match="Missing key"):
        loaded(network, weights)
    with pytest.raises(RuntimeError, match="size mismatch"):
        built(network, weights, labels=3).load_state_dict(small_weights(network), strict=True)
    weights[f"{LAST_LAYER[network]}.bias"] = renamed
    loaded(network, weights)


def test_attention_is_that_of_the_paper():
    weights = {name: value for name, value in random_weights("only_attention").items() if name.startswith("sa.")}
    attention = SelfAttention()
    attention.load_state_dict({name.removeprefix("sa."): value for name, value in weights.items()}, strict=True)
    tokens = torch.randn(2, 5, EMBEDDING, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        answer = attention(tokens)
    torch.testing.assert_close(answer, self_attention(weights, tokens), atol=1e-5, rtol=1e-5)
    # Attention, unlike a convolution, knows nothing of order: tokens in another order give the answers in that order.
    order = [3, 0, 4, 1, 2]
    with torch.no_grad():
        torch.testing.assert_close(attention(tokens[:, order]), answer[:, order], atol=1e-5, rtol=1e-5)


def test_positions_are_sines_and_cosines():
    torch.testing.assert_close(sinusoids(400, EMBEDDING), positions(400, EMBEDDING), atol=1e-6, rtol=0)


def test_the_order_of_tokens_matters():
    """The positions are added: a picture with two of its token rows exchanged is another picture."""
    picture = pictures(1, 200, 200)
    exchanged = picture[:, :, [100, *range(1, 100), 0, *range(101, 200)]]
    network = loaded("only_attention", small_weights("only_attention"))
    with torch.no_grad():
        assert not torch.allclose(network(picture), network(exchanged), atol=1e-2)


def assert_parity(network: nn.Module, model: openvino.Model, count: int, size: tuple[int, int], atol: float) -> None:
    """`count` pictures of a size in one batch: PyTorch's softmax against OpenVINO's."""
    batch = pictures(count, *size, seed=5)
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with torch.no_grad():
        native = network(batch).softmax(dim=1).numpy()
    served = torch.from_numpy(compiled(batch.numpy())[0]).softmax(dim=1).numpy()
    np.testing.assert_allclose(served, native, atol=atol)
    assert np.ptp(native[:, 1]) > 0.05  # the pictures are told apart; else this would show nothing


@pytest.mark.parametrize("network", SMALL)
def test_openvino_gives_the_same_answers_for_any_size(network, tmp_path):
    export(loaded(network, small_weights(network)), pictures(1, 128, 128), tmp_path, dynamic_axes=(0, 2, 3))
    native = loaded(network, torch.load(tmp_path / "weights.pth", weights_only=True))
    model = openvino.Core().read_model(tmp_path / "model.xml")
    for count, size in ((20, (128, 128)), (3, (128, 171)), (3, (160, 128)), (3, (80, 70))):
        assert_parity(native, model, count, size, atol=1e-3)


def test_vgg_loads_from_a_file_answers_and_converts(vgg, tmp_path):
    """Converted in memory: half a gigabyte of weights need not be written twice."""
    name, weights = vgg
    torch.save(weights, tmp_path / "weights.pth")
    network = loaded(name, torch.load(tmp_path / "weights.pth", weights_only=True))
    (tmp_path / "weights.pth").unlink()
    batch = pictures(1, 128, 150)
    with torch.no_grad():
        answer = network(batch)
    torch.testing.assert_close(answer, published_answer(name, weights, batch), atol=1e-3, rtol=1e-3)
    model = as_openvino(network, batch, shape=(-1, 3, -1, -1))
    assert_parity(network, model, 3, (128, 128), atol=1e-4)
