"""Small sets of pictures as a person hands them in, and jobs as SageMaker lays them out."""

import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from local.train import lay_out
from models.face_mask.portrait import draw_wearer, random_wearing
from training.data.drawn import write_image_folder
from training.opt_ml import OptMl
from training.run import run

MASK = ("with_mask", "without_mask")


@pytest.fixture(scope="session")
def portraits(tmp_path_factory) -> Path:
    """Sixty drawn ones, in a folder for each label."""
    labels = np.arange(60) % 2
    streams = [np.random.default_rng((3, number)) for number in range(60)]
    photos = [draw_wearer(random_wearing(label, rng), rng) for label, rng in zip(labels, streams, strict=True)]
    folder = tmp_path_factory.mktemp("portraits") / "drawn"
    write_image_folder(folder, np.stack(photos), labels, MASK)
    return folder


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
