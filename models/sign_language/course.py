"""A training as a course of steps, each of which follows from the seed and its number, so that any of them can be the
first after an interruption: what is learnt is the same.
"""

import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from models.sign_language.augmentations import Augmentation
from models.sign_language.fitting import FEWEST_FRAMES, Fitting, thinned
from sign_language.keypoints import Landmarks
from sign_language.networks.spoter import Spoter
from sign_language.normalisation import normalise
from training.errors import InvalidHyperparameter, UnusableCheckpoint

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_STATE = "state.pth"
_ORDER, _BATCH, _CLIP = range(3)  # what a random stream is for


@dataclass(frozen=True, slots=True)
class Examples:
    """Clips of landmarks, (frames, 54, 2) each, not normalised, and the numbers of their glosses, int64 [n]."""

    clips: Sequence[Landmarks]
    labels: Ints


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of all epochs by their number: `size` clips with at most `most_frames` frames, augmented anew."""

    examples: Examples
    augmentation: Augmentation
    size: int
    most_frames: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """The last one of an epoch may be smaller."""
        return -(-len(self.examples.labels) // self.size)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Batch `number` of the course: clips [n, frames, 108] and labels [n]."""
        epoch, place = divmod(number, self.per_epoch)
        order = self._random(epoch, _ORDER).permutation(len(self.examples.labels))
        chosen = order[place * self.size : (place + 1) * self.size]
        frames = int(self._random(epoch, _BATCH, place).integers(FEWEST_FRAMES, self.most_frames + 1))
        clips = np.stack([self._clip(clip, frames, self._random(epoch, _CLIP, clip)) for clip in chosen])
        return torch.from_numpy(clips).flatten(2), torch.from_numpy(self.examples.labels[chosen])

    def _clip(self, number: int, frames: int, rng: np.random.Generator) -> Landmarks:
        return thinned(normalise(self.augmentation(self.examples.clips[number], rng)), frames, rng)

    def _random(self, *use: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=use))


class Course:
    """The fitting of `network` to `batches` for at most `epochs`, and the best of it by the validation's loss."""

    def __init__(self, network: Spoter, batches: Batches, epochs: int, learning_rate: float) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._batches = batches
        self.steps = epochs * batches.per_epoch
        self._fitting = Fitting(network.to(self._device), self.steps, learning_rate)
        self.step = 0
        self._loss = 0.0
        self._best_loss, self._best_epoch, self._best = math.inf, 0, self._weights()

    @property
    def epoch(self) -> int:
        """How many are complete."""
        return self.step // self._batches.per_epoch

    @property
    def ends_epoch(self) -> bool:
        """Whether the last step was the last of its epoch."""
        return self.step % self._batches.per_epoch == 0

    @property
    def epochs_since_best(self) -> int:
        """How many complete ones came after the best."""
        return self.epoch - self._best_epoch

    def learn(self) -> float:
        """One step on; its loss. Raises InvalidHyperparameter when the loss is a number no more."""
        clips, labels = self._batches[self.step]
        torch.manual_seed(
            np.random.SeedSequence(self._batches.seed, spawn_key=(self.step,)).generate_state(1)[0].item()
        )
        loss = self._fitting.step(clips.to(self._device), labels.to(self._device))
        self.step += 1
        if not math.isfinite(loss):
            raise InvalidHyperparameter(f"learning_rate is too large: the loss is no number after step {self.step}")
        self._loss += loss
        return loss

    def end_epoch(self, validation: Examples) -> Mapping[str, float]:
        """The figures of the epoch; keeps the weights when they are the best so far."""
        figures = figures_of(self._fitting.network, validation)
        if figures["validation:loss"] < self._best_loss:
            self._best_loss, self._best_epoch = figures["validation:loss"], self.epoch
            self._best = self._weights()
        loss, self._loss = self._loss / self._batches.per_epoch, 0.0
        return {"train:loss": loss, **figures}

    def best(self) -> Spoter:
        """The network with the weights of the best epoch, on the CPU."""
        network = self._fitting.network.cpu().eval()
        network.load_state_dict(self._best)
        return network

    def save(self, folder: Path) -> None:
        """Writes all that `restore` needs."""
        torch.save(
            {
                "examples": len(self._batches.examples.labels),
                "step": self.step,
                "loss": self._loss,
                "best": {"loss": self._best_loss, "epoch": self._best_epoch, "weights": self._best},
                "fitting": self._fitting.state(),
            },
            folder / _STATE,
        )

    def restore(self, folder: Path) -> None:
        """Goes on from what `save` wrote to `folder`. Raises UnusableCheckpoint."""
        try:
            state: dict[str, Any] = torch.load(folder / _STATE, map_location=self._device, weights_only=True)
            if state["examples"] != len(self._batches.examples.labels):
                raise UnusableCheckpoint(
                    f"{folder.name} is of a training with {state['examples']} clips, and this one has "
                    f"{len(self._batches.examples.labels)}; remove the checkpoints, or bring back the clips"
                )
            self._fitting.restore(state["fitting"])
            self.step, self._loss = state["step"], state["loss"]
            best = state["best"]
            self._best_loss, self._best_epoch, self._best = best["loss"], best["epoch"], best["weights"]
        except (OSError, EOFError, RuntimeError, ValueError, LookupError, pickle.UnpicklingError) as error:
            line = str(error).partition("\n")[0]
            raise UnusableCheckpoint(f"{folder.name} cannot be used; remove it. {line}") from error

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self._fitting.network.state_dict().items()}


def figures_of(network: Spoter, examples: Examples) -> Mapping[str, float]:
    """Loss, accuracy and F1 on whole clips, as they are served; F1 is the mean over the glosses that are there."""
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        clips = (torch.from_numpy(normalise(clip)).to(device) for clip in examples.clips)
        bar = tqdm(clips, desc="validating", total=len(examples.labels), unit="clip", leave=False)
        logits = torch.cat([network(clip) for clip in bar]).cpu()
    labels = torch.from_numpy(examples.labels)
    predicted: Ints = logits.argmax(dim=1).numpy()
    return {
        "validation:loss": float(cross_entropy(logits, labels)),
        "validation:accuracy": float((predicted == examples.labels).mean()),
        "validation:f1": macro_f1(examples.labels, predicted),
    }


def macro_f1(labels: Ints, predicted: Ints) -> float:
    """The mean of F1 = 2 true positives / (labelled + predicted) over the classes in `labels`."""
    classes = np.unique(labels)
    hits = np.array([((labels == one) & (predicted == one)).sum() for one in classes])
    counts = np.array([(labels == one).sum() + (predicted == one).sum() for one in classes])
    return float((2 * hits / counts).mean())
