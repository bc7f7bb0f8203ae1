"""Fits SPOTER to clips, step by step, and says how far it is.

The published class takes one clip at a time. Here a batch takes as many frames of each of its clips, spread evenly: the
network looks for what is there in a clip and not for when, so it learns the same from fewer frames in less time.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from models.sign_language.clips import GLOSSES
from models.sign_language.dataset import Dataset
from sign_language.networks.spoter import Spoter

FEED_FORWARD = 256  # the published 2048 would make an artifact six times as large
BATCH_CLIPS = 32
THREADS = 1
FEWEST_FRAMES, MOST_FRAMES = 10, 22
LEARNING_RATE = 5e-4
_WEIGHT_DECAY = 0.01
_LONGEST_GRADIENT = 1.0
_SMOOTHING = 0.05


class Fitting:
    """A network with what fits it: AdamW, and a rate that follows the number of steps there will be."""

    def __init__(self, network: Spoter, steps: int, learning_rate: float = LEARNING_RATE) -> None:
        self.network = network
        self._optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=_WEIGHT_DECAY)
        self._rates = torch.optim.lr_scheduler.LambdaLR(self._optimizer, partial(_share_of_rate, steps=steps))

    def step(self, clips: torch.Tensor, labels: torch.Tensor) -> float:
        """One batch, clips [n, frames, 108] and labels [n], on the network's device; the loss before it was learnt."""
        loss = cross_entropy(self.network.train().classify(clips), labels, label_smoothing=_SMOOTHING)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_GRADIENT)
        self._optimizer.step()
        self._rates.step()
        return loss.item()

    def state(self) -> dict[str, Any]:
        """All that goes on from here."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rates": self._rates.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state`. Raises RuntimeError, KeyError, ValueError for that of another network."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rates.load_state_dict(state["rates"])


def fit_network(training: Dataset, epochs: int, seed: int) -> Spoter:
    """The network of the demonstration, trained; the seed fixes its start and the batches."""
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    steps = epochs * -(-len(training.labels) // BATCH_CLIPS)
    fitting = Fitting(Spoter(len(GLOSSES), FEED_FORWARD), steps)
    with tqdm(total=steps, desc="training", unit="batch") as bar:
        for clips, labels in _batches(training, epochs, seed):
            loss = fitting.step(clips, labels)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()
    return fitting.network.eval()


def _share_of_rate(step: int, steps: int) -> float:
    """Rises during the first tenth of the steps, then falls along a cosine."""
    return min((step + 1) / (steps / 10), (1 + math.cos(math.pi * step / steps)) / 2)


def _batches(training: Dataset, epochs: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All batches of all epochs, in a new order in each: clips [n, frames, 108] and labels [n]."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(training.labels))
        for first in range(0, len(order), BATCH_CLIPS):
            chosen = order[first : first + BATCH_CLIPS]
            frames = int(rng.integers(FEWEST_FRAMES, MOST_FRAMES + 1))
            clips = np.stack([thinned(training.clips[number], frames, rng) for number in chosen])
            yield torch.from_numpy(clips).flatten(2), torch.from_numpy(training.labels[chosen])


def thinned(clip: NDArray[np.float32], frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """`frames` frames of `clip`, one at random from each of as many equal parts."""
    chosen: NDArray[np.float32] = clip[((np.arange(frames) + rng.random(frames)) * len(clip) / frames).astype(int)]
    return chosen
