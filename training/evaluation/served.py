"""A model asked by the served path: the server's own loading, and its predictor with a file's bytes as the request.

So what is measured is what is served, decoding, resizing and rounding included, whatever the engine and the container.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from tqdm import tqdm

from contract.errors import ApiError
from contract.limits import TIMEOUTS
from contract.media import JSON, sniff
from contract.options import Options
from model_server.cores import cores
from model_server.deadline import Deadline
from model_server.engines import NATIVE, EngineError
from model_server.loading import load_predictor
from model_server.predictor import ModelUnusable, Predictor, Request, Timings
from model_server.settings import SettingsError, read_settings
from models.archive import SPEC_NAME, ArchiveError, pack, unpack
from models.labels import read_labels
from models.spec import ModelSpec, SpecError, read_spec
from training.errors import UnusableModel

Prediction = TypeVar("Prediction")
_OURS = 500  # from this status on it is the model's fault, below it is the file's


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that the server refuses, and the code it tells."""

    code: str


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that is ready; `labels` in the order of its outputs."""

    title: str
    predictor: Predictor
    labels: tuple[str, ...]

    @property
    def spec(self) -> ModelSpec:
        """Its model.toml."""
        return self.predictor.spec

    def answers(
        self, files: Sequence[Path], options: Options, read: Callable[[Mapping[str, Any]], Prediction]
    ) -> list[Prediction | Refusal]:
        """What `read` takes from the answer about each file. Raises UnusableModel when the model fails on one."""

        def one(file: Path) -> Prediction | Refusal:
            return self._answer(file, options, read)

        with ThreadPoolExecutor(cores()) as pool:
            bar = tqdm(pool.map(one, files), total=len(files), desc=f"asking the {self.title}", unit="example")
            return list(bar)

    def _answer(
        self, file: Path, options: Options, read: Callable[[Mapping[str, Any]], Prediction]
    ) -> Prediction | Refusal:
        body = file.read_bytes()
        media_type = JSON if file.suffix == ".json" else sniff(body) or ""
        deadline = Deadline.after(TIMEOUTS.container_s)
        try:
            content = self.predictor.answer(Request(body, media_type, JSON, options, deadline, Timings())).content
        except ApiError as refusal:
            if refusal.status < _OURS:
                return Refusal(refusal.code())
            raise UnusableModel(f"the {self.title} fails on {file}: {refusal.code()}; the log says why") from refusal
        try:
            return read(json.loads(content))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise UnusableModel(f"the {self.title} answers in a form of its own, not in that of its task") from error


@contextmanager
def served(model: Path, title: str) -> Iterator[ServedModel]:
    """The model in `model`: a model.tar.gz or a folder that holds one, a folder laid out as it, or one of models/.

    `title` is what messages call it. Raises UnusableModel.
    """
    with TemporaryDirectory() as room, chdir("."):  # back to here, from where a model's own script may go
        try:
            folder = _laid_out(model, Path(room))
            spec = read_spec(folder / SPEC_NAME)
            engine = NATIVE if spec.model.engine == NATIVE else read_settings(os.environ).engine
            predictor = load_predictor(folder, engine, cores)
            labels = tuple(read_labels(spec, folder).values())
        except (SpecError, EngineError, ModelUnusable, ArchiveError, SettingsError) as error:
            raise UnusableModel(f"the {title}, {model}, cannot be served: {error}") from error
        yield ServedModel(title, predictor, labels)


def _laid_out(model: Path, room: Path) -> Path:
    """The folder of `model` as the server is given it. Raises SpecError, ArchiveError."""
    archive = model / "model.tar.gz"  # as SageMaker puts it into a folder of its own
    if model.is_dir() and not archive.is_file():
        artifact = model / read_spec(model / SPEC_NAME).model.artifact
        if not artifact.is_dir():
            return model
        archive = pack(model / SPEC_NAME, artifact, room / "model.tar.gz")
    unpack(model if model.is_file() else archive, room / "model")
    return room / "model"
