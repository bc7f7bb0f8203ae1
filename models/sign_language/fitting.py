"""Fits SPOTER to batches of clips, step by step.

The published class takes one clip at a time. Here a batch takes as many frames of each of its clips, spread evenly: the
network looks for what is there in a clip and not for when, so it learns the same from fewer frames in less time.
"""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from sign_language.networks.spoter import Spoter

FEED_FORWARD = 256  # the published 2048 would make an artifact six times as large
BATCH_CLIPS = 32
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


def _share_of_rate(step: int, steps: int) -> float:
    """Rises during the first tenth of the steps, then falls along a cosine."""
    return min((step + 1) / (steps / 10), (1 + math.cos(math.pi * step / steps)) / 2)


def thinned(clip: NDArray[np.float32], frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """`frames` frames of `clip`, one at random from each of as many equal parts."""
    chosen: NDArray[np.float32] = clip[((np.arange(frames) + rng.random(frames)) * len(clip) / frames).astype(int)]
    return chosen
