"""Finds every model: a folder of models/ with a model.toml is a model, and nothing else lists them.

What a spec cannot know alone is checked here against the files around it: the folder's name, the
container, the artifact and the artifact's own output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.limits import BODIES, IMAGES
from contract.media import ACCEPTS
from models.archive import SPEC_NAME
from models.saved_model import NotASavedModel, read_signature
from models.spec import ModelSpec, SpecError, read_spec

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Model:
    """A spec and the folder it was read from."""

    spec: ModelSpec
    folder: Path

    @property
    def spec_file(self) -> Path:
        """Its model.toml."""
        return self.folder / SPEC_NAME

    @property
    def artifact(self) -> Path:
        """The folder of the exported model; only for an artifact that is not in S3."""
        return self.folder / self.spec.model.artifact


def load_models(root: Path = ROOT) -> Sequence[Model]:
    """Every model below `root`/models, by name. Raises SpecError with the faults of all of them."""
    models, faults = [], []
    for file in sorted((root / "models").glob(f"*/{SPEC_NAME}")):
        try:
            model = Model(read_spec(file), file.parent)
            models.append(model)
            faults += _faults(model, root)
        except SpecError as error:
            faults += error.faults
    if not models and not faults:
        faults = [f"{root / 'models'}: no folder with a {SPEC_NAME}; add one"]
    if faults:
        raise SpecError([fault.replace(f"{root}/", "") for fault in faults])
    return models


def _faults(model: Model, root: Path) -> list[str]:
    spec, file = model.spec, model.spec_file
    faults = []
    if model.folder.name.replace("_", "-") != spec.name:
        folder = spec.name.replace("-", "_")
        faults.append(f"{file}: model.name: {spec.name!r} does not fit its folder; rename the folder to {folder}")
    if not (root / "containers" / spec.model.container / "Dockerfile").is_file():
        faults.append(
            f"{file}: model.container: containers/{spec.model.container}/Dockerfile does not exist; "
            f"choose one of {', '.join(_containers(root))}, or add that folder"
        )
    if not spec.model.is_remote:
        faults += [f"{file}: {fault}" for fault in _artifact_faults(model)]
    return faults


def _containers(root: Path) -> list[str]:
    return sorted(file.parent.name for file in (root / "containers").glob("*/Dockerfile"))


def _artifact_faults(model: Model) -> list[str]:
    folder, spec = model.artifact, model.spec
    if not folder.is_dir():
        return [f"model.artifact: the folder {folder} does not exist; put the exported SavedModel there"]
    try:
        signature = read_signature(folder)
    except NotASavedModel as error:
        return [f"model.artifact: {error}; export a SavedModel there with model.export()"]
    faults = []
    for shape in signature.outputs.values():
        if shape and shape[-1] not in (-1, len(spec.model.labels)):
            faults.append(
                f"model.labels: {len(spec.model.labels)} labels, but the model gives {shape[-1]} numbers; "
                f"name all {shape[-1]}"
            )
    for shape in signature.inputs.values():
        height, width = spec.input.size
        asked = (-1, height, width, 3) if spec.input.layout == "NHWC" else (-1, 3, height, width)
        if len(shape) != 4 or any(have not in (-1, want) for have, want in zip(shape[1:], asked[1:], strict=True)):
            faults.append(f"input.size: the model takes {list(shape)}, not {list(asked)}; correct size or layout")
    return faults


def public_description(spec: ModelSpec) -> dict[str, Any]:
    """What GET /models says of one model, as JSON values."""
    return {
        "name": spec.name,
        "version": spec.model.version,
        "task": spec.model.task,
        "description": spec.model.description,
        "labels": list(spec.model.labels),
        "accepts": list(ACCEPTS[spec.model.task]),
        "limits": {"max_pixels": IMAGES.max_pixels, "min_side_px": IMAGES.min_side_px},
        "endpoints": [
            {"name": name, "kind": endpoint.kind, "max_body_bytes": max_body_bytes(endpoint.kind)}
            for name, endpoint in spec.endpoints.items()
        ],
        "notice": spec.model.notice,
    }


def max_body_bytes(kind: str) -> int:
    """The largest request body that reaches an endpoint of `kind` through the API."""
    return min(BODIES.serverless if kind == "serverless" else BODIES.realtime, BODIES.through_function)
