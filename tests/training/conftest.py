"""Small sets of pictures as a person hands them in, and jobs as SageMaker lays them out."""

import signal
from pathlib import Path

import pytest
from PIL import Image

from local.train import lay_out
from tests.portraits import write_portraits
from training.opt_ml import OptMl
from training.run import run

MASK = ("with_mask", "without_mask")


@pytest.fixture(scope="session")
def portraits(tmp_path_factory) -> Path:
    """Sixty drawn ones, in a folder for each label."""
    return write_portraits(tmp_path_factory.mktemp("portraits") / "drawn", 60, stream=3)


@pytest.fixture
def signals():
    """What a job has changed is put back."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    former = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, former, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def train(tmp_path, signals):  # noqa: ARG001 it is used by being there
    """Runs a training in this process: (exit status, line of the failure file)."""

    def train(channels, model="face-mask", prepare=lambda _opt_ml: None, **hyperparameters) -> tuple[int, str]:
        opt_ml = OptMl(tmp_path / "opt_ml")
        lay_out(opt_ml, channels, {name: str(value) for name, value in hyperparameters.items()})
        prepare(opt_ml)
        status = run(model, opt_ml)
        return status, opt_ml.failure.read_text() if opt_ml.failure.is_file() else ""

    return train


def save_pictures(folder: Path, count: int, side: int = 12, first: int = 20) -> None:
    """Grey ones that differ, as PNG files 0.png, 1.png …"""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("L", (side, side), first + 2 * number).save(folder / f"{number}.png")
