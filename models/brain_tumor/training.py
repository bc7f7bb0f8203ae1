"""Fits a network to drawn slices, and says how far it is.

The convolutions learn first: alone, under a head that looks for the strongest answer anywhere in the picture, which
takes a fraction of the steps that attention over 49 tokens needs to find out where to look. They see the slices at half
their size until the last stage, which costs a quarter of the time: their adaptive pooling takes both.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy
from tqdm import tqdm

from models.brain_tumor.dataset import Dataset
from models.brain_tumor.preprocess import prepare
from models.brain_tumor.slices import CLASSES

BATCH_IMAGES = 16
THREADS = 2
_FARTHEST_SHIFT_PX = 6
_WEIGHT_DECAY = 0.02
_STRONGEST_RATE = 2e-3
_CHANNELS = 128  # of the last convolution


@dataclass(frozen=True, slots=True)
class Stage:
    """Passes over the set, with slices shrunk by a whole factor; of the convolutions alone or of the whole network."""

    epochs: int
    shrink: int = 1
    convolutions_alone: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one network is trained."""

    stages: tuple[Stage, ...]
    learning_rates: Mapping[str, float]  # by what a parameter's name begins with; the more inputs, the smaller

    @property
    def epochs(self) -> int:
        """Passes over the set, of all stages."""
        return sum(stage.epochs for stage in self.stages)


RECIPES = {
    "cnn_with_attention": Recipe(
        (Stage(5, shrink=2, convolutions_alone=True), Stage(2, shrink=2), Stage(1)),
        {"layer": 1e-3, "patch": 4e-4, "sa.": 4e-4, "fc.": 6e-5},
    ),
    "only_attention": Recipe((Stage(3),), {"patch": 2e-4, "sa.": 2e-4, "fc.": 1e-5}),
}
"""What made the committed weights, by network."""


def fit_network(name: str, training: Dataset, seed: int) -> nn.Module:
    """The network `name`, trained by its recipe; the seed fixes its start and the batches."""
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    recipe, network, rng = RECIPES[name], build_network(name).train(), np.random.default_rng(seed)
    strongest = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(_CHANNELS, CLASSES))
    optimizer = torch.optim.AdamW(_groups(network, strongest, recipe), weight_decay=_WEIGHT_DECAY)
    steps = recipe.epochs * -(-len(training.labels) // BATCH_IMAGES)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_share_of_rate, steps=steps))
    with tqdm(total=steps, desc=f"training {name}", unit="batch") as bar:
        for stage in recipe.stages:
            trained = nn.Sequential(*_convolutions(network), strongest) if stage.convolutions_alone else network
            for slices, labels in _batches(training, stage, rng):
                # Convolutions on a CPU take twice as long and more when the channels do not come last in memory.
                loss = cross_entropy(trained(slices.contiguous(memory_format=torch.channels_last)), labels)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                rates.step()
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
                bar.update()
    return network.eval()


def build_network(name: str) -> nn.Module:
    """The untrained network of containers/brain_tumor/networks/NAME.py."""
    network: nn.Module = import_module(f"brain_tumor.networks.{name}").build(CLASSES, {})
    return network


def _convolutions(network: nn.Module) -> list[nn.Module]:
    return [child for name, child in network.named_children() if name.startswith("layer")]


def _groups(network: nn.Module, strongest: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Every parameter with the rate of its kind; what a stage does not use gets no gradient, and stays."""
    groups: list[dict[str, Any]] = [{"params": list(strongest.parameters()), "lr": _STRONGEST_RATE}]
    for start, rate in recipe.learning_rates.items():
        groups.append(
            {"params": [one for name, one in network.named_parameters() if name.startswith(start)], "lr": rate}
        )
    return groups


def _share_of_rate(step: int, steps: int) -> float:
    """Rises during the first tenth of the steps, then falls along a cosine."""
    warm_up = steps / 10
    return min((step + 1) / warm_up, (1 + math.cos(math.pi * step / steps)) / 2)


def _batches(training: Dataset, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All batches of a stage: a new order in each epoch, heads mirrored and shifted at random."""
    pairs = np.arange(len(training.labels)).reshape(-1, CLASSES)
    for _ in range(stage.epochs):
        order = rng.permutation(pairs).ravel()  # the two slices of a head stay in one batch
        for first in range(0, len(order), BATCH_IMAGES):
            chosen = order[first : first + BATCH_IMAGES]
            slices = torch.from_numpy(prepare(_moved(training.slices[chosen], rng)))
            yield avg_pool2d(slices, stage.shrink), torch.from_numpy(training.labels[chosen])


def _moved(slices: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Both slices of a head in the same way: a head has no left and right here, and need not lie in the middle."""
    pairs = slices.reshape(-1, CLASSES, *slices.shape[1:])
    shifts = rng.integers(-_FARTHEST_SHIFT_PX, _FARTHEST_SHIFT_PX + 1, (len(pairs), 2))
    mirrored = rng.random(len(pairs)) < 0.5
    return np.concatenate(
        [
            np.roll(pair[:, :, ::-1] if mirror else pair, tuple(shift), axis=(1, 2))
            for pair, shift, mirror in zip(pairs, shifts, mirrored, strict=True)
        ]
    )
