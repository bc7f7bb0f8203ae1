"""What decoding a photograph at reduced scale does to the scores: `python -m experiments.reduced_decode`.

Every held-out picture is enlarged twelve times, given a sensor's noise and saved as a JPEG, as if a telephone had taken
it; then the same network gets it decoded whole and decoded at the scale that the server chooses.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import models.brain_tumor.dataset as scans
import models.diabetic_retinopathy.dataset as fundi
import models.face_mask.dataset as faces
from model_server.engines import Engine, choose_engine, only
from model_server.images import decode_image
from model_server.preprocess import dynamic_axes, needed_side, prepare
from model_server.scores import probabilities
from models.input_output import InputSpec
from models.registry import Model, load_models

PICTURES = 200
_ENLARGED = 12
_SEED = 7

Pixels = NDArray[np.uint8]

HELD_OUT: dict[str, Callable[[], Pixels]] = {
    "diabetic-retinopathy": lambda: fundi.draw_dataset(PICTURES, fundi.Split.HELD_OUT, _SEED).photos,
    "face-mask": lambda: faces.draw_dataset(PICTURES, faces.Split.HELD_OUT, _SEED).photos,
    "brain-tumor": lambda: scans.draw_dataset(PICTURES, _SEED, "held out").slices,
}


@dataclass(slots=True)
class Difference:
    """Whole against reduced, over the pictures of one model."""

    pictures: int = 0
    changed_top_1: int = 0
    largest: float = 0.0
    whole_s: float = 0.0
    reduced_s: float = 0.0

    def row(self, name: str) -> str:
        """A row of the table."""
        return (
            f"| {name} | {self.pictures} | {self.changed_top_1} | {self.largest:.4f} | "
            f"{self.whole_s / self.reduced_s:.1f} |"
        )


def main() -> None:
    """Some minutes on two cores."""
    print("| model | pictures | top-1 changed | largest difference of a score | times as fast to decode |")
    print("|---|---|---|---|---|")
    for model in load_models():
        if model.spec.name in HELD_OUT:
            print(compare(model, HELD_OUT[model.spec.name]()).row(model.spec.name), flush=True)


def compare(model: Model, pictures: Iterable[Pixels]) -> Difference:
    """Every picture both ways through the model's own network."""
    spec, seen = model.spec, Difference()
    engine = _engine(model)
    for number, picture in enumerate(pictures):
        body = photograph(picture, np.random.default_rng(number))
        started = perf_counter()
        whole = _input(body, spec.input, None)
        between = perf_counter()
        reduced = _input(body, spec.input, needed_side(spec.input))
        seen.whole_s += between - started
        seen.reduced_s += perf_counter() - between
        scores = [probabilities(only(engine.infer(batch)), spec.output) for batch in (whole, reduced)]
        seen.pictures += 1
        seen.changed_top_1 += int(scores[0].argmax() != scores[1].argmax())
        seen.largest = max(seen.largest, float(np.abs(scores[0] - scores[1]).max()))
    return seen


def photograph(picture: Pixels, noise: np.random.Generator) -> bytes:
    """A held-out picture as a large JPEG."""
    image = Image.fromarray(picture).convert("RGB")
    large = np.asarray(image.resize((image.width * _ENLARGED, image.height * _ENLARGED)))
    noisy = large + noise.normal(0, 6, large.shape)
    out = BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _input(body: bytes, spec: InputSpec, min_side_px: int | None) -> NDArray[np.float32]:
    return prepare(decode_image(body, min_side_px), spec)[None]


def _engine(model: Model) -> Engine:
    engine = choose_engine("openvino")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(model.artifact, Path(name) / "model"))
        shutil.copy(model.spec_file, folder)
        engine.load(folder)
        example = prepare(Image.linear_gradient("L").convert("RGB"), model.spec.input)
        engine.warm_up(example[None], dynamic_axes(model.spec.input))
    return engine


if __name__ == "__main__":
    main()
