"""One training, as a model's train.py sees it: what to learn from, what was chosen, where the result goes."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Generic, TypeVar

from tqdm import tqdm

from contract.training import figures_line
from models.registry import Model
from training.checkpoints import Checkpoint, Checkpoints
from training.errors import Interrupted
from training.hyperparameters import Hyperparameters
from training.opt_ml import OptMl

CHECKPOINT_EVERY_S = 60.0

H_co = TypeVar("H_co", bound=Hyperparameters, covariant=True)


class Job(Generic[H_co]):
    """The training of `model` below `opt_ml`."""

    def __init__(self, model: Model, hyperparameters: H_co, opt_ml: OptMl) -> None:
        self.model = model
        self.hyperparameters = hyperparameters
        self._opt_ml = opt_ml
        self._checkpoints = Checkpoints(opt_ml.checkpoints, {"model": model.spec.name, **hyperparameters.model_dump()})
        self._saved_at = time.monotonic()
        self._is_told_to_stop = False
        self._scratch: TemporaryDirectory[str] | None = None

    @property
    def model_dir(self) -> Path:
        """Where the trained artifact goes, laid out as the model's `artifact` folder; model.toml is added to it."""
        return self._opt_ml.model

    @property
    def output_data(self) -> Path:
        """Where files about the result go that are not served with it; SageMaker packs them into output.tar.gz."""
        self._opt_ml.output_data.mkdir(parents=True, exist_ok=True)
        return self._opt_ml.output_data

    @property
    def scratch(self) -> Path:
        """A folder that is gone when the training is."""
        if self._scratch is None:
            self._scratch = TemporaryDirectory()
        return Path(self._scratch.name)

    @property
    def input_data(self) -> Path:
        """Where all channels lie, each in a folder of its name."""
        return self._opt_ml.channel("")

    def channel(self, name: str) -> Path:
        """The files of the input channel `name`. Raises EmptyChannel."""
        return self._opt_ml.filled_channel(name)

    def has_channel(self, name: str) -> bool:
        """Whether the job was given the channel `name`, be it empty."""
        return self._opt_ml.channel(name).is_dir()

    def resumed(self) -> Checkpoint | None:
        """Where an earlier machine stopped with this training. Raises UnusableCheckpoint for another training's."""
        found = self._checkpoints.newest()
        if found:
            tqdm.write(f"Going on after step {found.step}, from {found.folder.name}.")
        return found

    def after_step(self, step: int, save: Callable[[Path], None]) -> None:
        """To be called after each of the training's steps, with what writes its state to a folder.

        Saves once a minute, and when the machine is being taken away; in the latter case raises Interrupted.
        """
        if self._is_told_to_stop or time.monotonic() - self._saved_at >= CHECKPOINT_EVERY_S:
            self._checkpoints.save(step, save)
            self._saved_at = time.monotonic()
        if self._is_told_to_stop:
            raise Interrupted(f"saved after step {step}; the next one with these checkpoints goes on from there")

    def before_steps(self) -> None:
        """To be called now and then while data is read, when there is no state to save. Raises Interrupted."""
        if self._is_told_to_stop:
            raise Interrupted("nothing was learnt yet; the next one begins again")

    def report(self, step: int, figures: Mapping[str, float]) -> None:
        """Prints figures of contract.training.FIGURES as SageMaker finds them."""
        tqdm.write(figures_line(step, figures))

    def stop_on_signals(self) -> None:
        """From now on SIGTERM (SageMaker, 120 s before SIGKILL) and SIGINT (Ctrl-C) end it after the step at work."""

        def told(_number: int, _frame: FrameType | None) -> None:
            self._is_told_to_stop = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, told)

    def done(self) -> None:
        """Forgets the checkpoints of a training that has its result."""
        self._checkpoints.forget()
