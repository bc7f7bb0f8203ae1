"""How far Keras is, said as tqdm says it."""

from typing import Any

import keras
from tqdm import tqdm


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]
    """One bar for the whole training, with the loss and the metrics of the epoch so far."""

    def __init__(self, steps: int, epochs: int) -> None:
        super().__init__()
        self._bar = tqdm(total=steps, unit="batch")
        self._epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Names the epoch."""
        self._bar.set_description(f"training, epoch {epoch + 1} of {self._epochs}")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """One batch on, with its numbers."""
        self._bar.set_postfix({name: f"{value:.3f}" for name, value in (logs or {}).items()}, refresh=False)
        self._bar.update()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Leaves the bar as it is."""
        self._bar.close()
