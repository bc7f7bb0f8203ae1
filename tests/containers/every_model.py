"""Every model of the repository as tests of the server meet it: its engines, its samples, inputs for its network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.media import JSON, sniff
from local.environment import interpreter
from model_server.preprocess import dynamic_axes, prepare, resized
from models.archive import pack, unpack
from models.registry import ROOT, Model, load_models

MODELS = {model.spec.name: model for model in load_models()}


def samples(model: Model) -> Iterator[tuple[bytes, str]]:
    """Body and content type of each of its samples."""
    for file in sorted((model.folder / "samples").iterdir()):
        if file.suffix != ".md":
            body = file.read_bytes()
            yield body, sniff(body) or JSON


def model_dir(model: Model, folder: Path) -> Path:
    """The model as SageMaker unpacks it, below `folder`."""
    target = folder / model.folder.name
    if not target.exists():
        unpack(pack(model.spec_file, model.artifact, folder / f"{model.folder.name}.tar.gz"), target)
    return target


def python_of(model: Model) -> Path:
    """The interpreter that has what the model's container needs."""
    container = model.spec.model.container
    return interpreter(container, [ROOT / "containers" / container / "requirements-cpu.txt"])


def inputs(model: Model, count: int) -> list[NDArray]:
    """Inputs of its network, each with a batch of one where it takes batches: pictures of many kinds, or motions."""
    rng = np.random.default_rng(20_261_121)
    if model.spec.model.task == "pose-sequence-classification":
        return [_motion(rng, frames=5 + 3 * number) for number in range(count)]
    pictures = [_picture(rng) for _ in range(count)]
    if model.spec.model.task == "object-detection":
        return [np.asarray(resized(picture, model.spec.input))[None] for picture in pictures]
    return [prepare(picture, model.spec.input)[None] for picture in pictures]


def free_axes(model: Model) -> tuple[int, ...]:
    """The axes of `inputs` that differ between them."""
    if model.spec.model.task == "pose-sequence-classification":
        return (0,)
    return dynamic_axes(model.spec.input)


def _picture(rng: np.random.Generator) -> Image.Image:
    """Smooth blobs of colour with noise on top, of a random size."""
    width, height = (int(side) for side in rng.integers(60, 500, 2))
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    noise = rng.normal(0, rng.uniform(0, 25), (height, width, 3))
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))


def _motion(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    """A random walk of 54 landmarks, about as large as normalised ones are."""
    start, steps = rng.uniform(-0.5, 0.5, (1, 54, 2)), rng.normal(0, 0.03, (frames, 54, 2))
    return (start + np.cumsum(steps, axis=0)).astype(np.float32)
