"""What the loop of a training asks of a network, whatever framework it is made with."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.data.batches import Batch


class Network(Protocol):
    """A network, its optimizer, and a copy of its best weights so far."""

    def learn(self, batch: Batch, rate: float) -> float:
        """One step of the optimizer at the learning rate `rate`; the loss before it, weighted."""

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """What it gives when served, [n, labels]."""

    def keep(self) -> None:
        """Copies its weights: they are the best so far."""

    def return_to_kept(self) -> None:
        """Takes the copied weights back."""

    def save(self, folder: Path) -> None:
        """Writes all of its state to `folder`, the copy included."""

    def restore(self, folder: Path) -> None:
        """Reads that back; it then learns as if it had never stopped. Raises UnusableCheckpoint."""

    def export(self, folder: Path) -> None:
        """Writes what the model server reads."""
