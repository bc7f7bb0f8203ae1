"""Finds every model: a folder of models/ with a model.toml is a model, and nothing else lists them.

What a spec cannot know alone is checked here against the files around it: the folder's name, the
container, the artifact and the artifact's own output.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contract.limits import BODIES, IMAGES, VIDEOS
from contract.media import ACCEPTS
from models.archive import SPEC_NAME
from models.artifact import artifact_faults
from models.endpoints import Endpoint
from models.labels import Labels, read_labels
from models.realtime import RealtimeEndpoint
from models.spec import SCRIPT_CONTAINER, ModelSpec, SpecError, read_spec

ROOT = Path(__file__).resolve().parent.parent

_PACKAGES = "requirements-cpu.txt"
_PICTURE: Mapping[str, float] = {"max_pixels": IMAGES.max_pixels, "min_side_px": IMAGES.min_side_px}
_LIMITS: dict[str, Mapping[str, float]] = {
    "image-classification": _PICTURE,
    "object-detection": _PICTURE,
    "pose-sequence-classification": asdict(VIDEOS),
}
_BODY_BYTES = {
    "serverless": min(BODIES.serverless, BODIES.through_function),
    "realtime": min(BODIES.realtime, BODIES.through_function),
    "async": BODIES.upload,  # past the function: straight to S3
    "lambda": BODIES.through_function,
}


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

    @property
    def requirements(self) -> Path | None:
        """The packages that the model's own script needs, built into its image; None without a script or a list."""
        file = self.artifact / "code" / "requirements.txt"
        return file if self.spec.model.container == SCRIPT_CONTAINER and file.is_file() else None

    def with_artifact(self, artifact: str | None) -> "Model":
        """The same model trained otherwise, as a variant has it; as it is for None."""
        return Model(self.spec.with_artifact(artifact), self.folder)

    def with_endpoints(self, endpoints: Mapping[str, Endpoint]) -> "Model":
        """The same model served otherwise."""
        return Model(self.spec.model_copy(update={"endpoints": dict(endpoints)}), self.folder)

    @property
    def labels(self) -> Labels:
        """Class id -> name. Raises SpecError when they are in a file that cannot be read."""
        return read_labels(self.spec, self.artifact)


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
    spec, faults = model.spec, []
    if model.folder.name.replace("_", "-") != spec.name:
        folder = spec.name.replace("-", "_")
        faults.append(f"model.name: {spec.name!r} does not fit its folder; rename the folder to {folder}")
    faults += _baseline_faults(model)
    of_container = _container_faults(spec, root)
    faults += of_container
    for key, artifact in () if of_container else spec.artifacts.items():
        one = model.with_artifact(artifact)
        if not one.spec.model.is_remote:
            faults += [fault.replace("model.artifact", key, 1) for fault in artifact_faults(one.spec, one.artifact)]
    return [f"{model.spec_file}: {fault}" for fault in faults]


def _baseline_faults(model: Model) -> Iterator[str]:
    for name, endpoint in model.spec.endpoints.items():
        capture = endpoint.data_capture if isinstance(endpoint, RealtimeEndpoint) else None
        if capture and capture.drift and not (model.folder / capture.drift.baseline).is_file():
            key = f"endpoints.{name}.data_capture.drift.baseline"
            yield f"{key}: {capture.drift.baseline} is not beside model.toml; make it: python -m monitoring baseline"


def _container_faults(spec: ModelSpec, root: Path) -> list[str]:
    folder = root / "containers" / spec.model.container
    if folder.name not in containers(root):
        return [
            f"model.container: containers/{folder.name}/{_PACKAGES} does not exist; "
            f"choose one of {', '.join(containers(root))}, or add that folder"
        ]
    if spec.model.network and not (folder / "networks" / f"{spec.model.network}.py").is_file():
        known = sorted(file.stem for file in (folder / "networks").glob("[!_]*.py"))
        return [
            f"model.network: containers/{folder.name}/networks/{spec.model.network}.py does not exist; "
            + (f"choose one of {', '.join(known)}, or add that file" if known else "add that file")
        ]
    return []


def containers(root: Path = ROOT) -> Sequence[str]:
    """The name of every container: a folder of containers/ that lists the packages of its CPU image."""
    return sorted(file.parent.name for file in (root / "containers").glob(f"*/{_PACKAGES}"))


def public_description(model: Model) -> dict[str, Any]:
    """What GET /models says of one model, as JSON values."""
    spec = model.spec
    return {
        "name": spec.name,
        "version": spec.model.version,
        "task": spec.model.task,
        "description": spec.model.description,
        "labels": list(model.labels.values()),
        "meanings": dict(zip(model.labels.values(), spec.output.meanings, strict=False)),
        "accepts": list(accepted(spec)),
        "limits": _LIMITS[spec.model.task],
        "endpoints": [
            {"name": name, "kind": endpoint.kind, "max_body_bytes": max_body_bytes(endpoint.kind)}
            for name, endpoint in spec.endpoints.items()
        ],
        "notice": spec.model.notice,
    }


def accepted(spec: ModelSpec) -> Sequence[str]:
    """The content types of a request to this model."""
    return spec.input.accepts or ACCEPTS[spec.model.task]


def max_body_bytes(kind: str) -> int:
    """The largest request body that reaches an endpoint of `kind` through the API, or by an upload."""
    return _BODY_BYTES[kind]
