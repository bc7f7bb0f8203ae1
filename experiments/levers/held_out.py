"""The project's models on pictures that they were not trained on: what a lever does to their answers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import models.brain_tumor.dataset as scans
import models.diabetic_retinopathy.dataset as fundi
import models.face_mask.dataset as faces
from experiments.levers.networks import Float32, Infer, spec
from model_server.preprocess import prepare
from model_server.scores import probabilities

HELD_OUT, CALIBRATION = 500, 300
_SEED, _OTHER_SEED = 7, 8

Drawn = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _fundi(count: int, split: fundi.Split) -> Drawn:
    drawn = fundi.draw_dataset(count, split, _SEED)
    return drawn.photos, drawn.grades


def _faces(count: int, split: faces.Split) -> Drawn:
    drawn = faces.draw_dataset(count, split, _SEED)
    return drawn.photos, drawn.labels


def _scans(count: int, seed: int) -> Drawn:
    drawn = scans.draw_dataset(count, seed, "slices")
    return drawn.slices, drawn.labels


_SETS: dict[str, tuple[Callable[[], Drawn], Callable[[], Drawn]]] = {
    "face_mask": (lambda: _faces(HELD_OUT, faces.Split.HELD_OUT), lambda: _faces(CALIBRATION, faces.Split.TRAINING)),
    "diabetic_retinopathy": (
        lambda: _fundi(HELD_OUT, fundi.Split.HELD_OUT),
        lambda: _fundi(CALIBRATION, fundi.Split.TRAINING),
    ),
    "brain_tumor": (lambda: _scans(HELD_OUT, _SEED), lambda: _scans(CALIBRATION, _OTHER_SEED)),
}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Inputs of one model, each (1, ...), and the right answers."""

    name: str
    inputs: list[Float32]
    labels: NDArray[np.int64]

    def scores(self, infer: Infer) -> Float32:
        """The probabilities of each picture."""
        return np.concatenate([probabilities(infer(one), spec(self.name).output) for one in self.inputs])

    def compare(self, infer: Infer, other: Infer) -> str:
        """Accuracy of both, and how far the other's scores are from the first's."""
        first, second = self.scores(infer), self.scores(other)
        right = [float((each.argmax(axis=1) == self.labels).mean()) for each in (first, second)]
        changed = int((first.argmax(axis=1) != second.argmax(axis=1)).sum())
        apart = np.abs(first - second).max(axis=1)
        return (
            f"    of {len(self.labels)} held-out pictures right: {right[0]:.4f} -> {right[1]:.4f}; labels changed: "
            f"{changed}; a score by at most {apart.max():.4f}, median {np.median(apart):.4f}"
        )


def held_out(name: str) -> Pictures:
    """Pictures of the set that the model's README reports on."""
    return _pictures(name, *_SETS[name][0]())


def calibration(name: str) -> Pictures:
    """Pictures as the model was trained on."""
    return _pictures(name, *_SETS[name][1]())


def _pictures(name: str, drawn: NDArray[np.uint8], labels: NDArray[np.int64]) -> Pictures:
    taken = spec(name).input
    return Pictures(name, [prepare(Image.fromarray(one).convert("RGB"), taken)[None] for one in drawn], labels)
