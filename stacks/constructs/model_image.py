"""Container images: built from a container's folder and what every container shares, for a model or for none."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

from models.archive import SPEC_NAME, members
from models.instances import Architecture
from models.registry import Model

_ENDPOINTS = ("endpoints", "realtime", "instances", "component", "rollout", "variants", "capture", "drift", "vpc")
_READERS = ("__init__", "spec", "table", "input_output", "labels", "training", *_ENDPOINTS)
SPEC_READERS = tuple(f"models/{name}.py" for name in _READERS)
DOCKERFILE = "containers/Dockerfile"
_BUILT_BY = ("containers/requirements/*.txt", DOCKERFILE)
SHARED = ("contract/**", *SPEC_READERS, "containers/model_server/**", "monitoring/**", *_BUILT_BY)
LEFT_OUT = ("**/__pycache__", "**/.DS_Store")
NEVER = (*LEFT_OUT, "**/*.md")

_PLATFORMS: dict[Architecture, Platform] = {"x86_64": Platform.LINUX_AMD64, "arm64": Platform.LINUX_ARM64}
FUNCTION_STAGE = "lambda"
"""The stage of the Dockerfile that ends with the model and Lambda's runtime client."""

TRAINING_STAGE = "training"
"""The stage that trains instead of serving."""


class ImageKind(NamedTuple):
    """One image of a container: its `accelerator` is cpu, gpu or native; a function's holds a model too."""

    accelerator: str = "cpu"
    architecture: Architecture = "x86_64"
    is_function: bool = False

    @property
    def id(self) -> str:
        """`CpuImage`, `NativeArm64LambdaImage`: CPUs that are x86_64 and SageMaker go without saying."""
        architecture = "Arm64" if self.architecture == "arm64" else ""
        return f"{self.accelerator.capitalize()}{architecture}{'Lambda' if self.is_function else ''}Image"

    @property
    def described(self) -> str:
        """`cpu`, or `cpu, arm64, lambda`."""
        more = ["arm64"] * (self.architecture == "arm64") + ["lambda"] * self.is_function
        return ", ".join([self.accelerator, *more])


class ContainerImage(Construct):
    """An image of the folder `container`. Offers `uri`, its `tag`, and the repository's name, URI and ARN.

    The build context is an allow-list of the repository: what the image does not hold cannot change its hash.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        root: Path,
        container: str,
        kind: ImageKind = ImageKind(),  # noqa: B008 frozen
        target: str | None = None,
        described: str | None = None,
        build_args: Mapping[str, str] | None = None,
        patterns: Sequence[str] = (),
    ) -> None:
        """`target` is a stage of the Dockerfile; `patterns` are of what else the context holds."""
        super().__init__(scope, id)
        own_dockerfile = f"containers/{container}/Dockerfile"
        accelerated = {} if kind.accelerator == "cpu" else {"ACCELERATOR": kind.accelerator}  # cpu is the default
        allowed = [f"!{pattern}" for pattern in (*SHARED, f"containers/{container}/**")]
        asset = DockerImageAsset(
            self,
            "Asset",
            directory=str(root),
            exclude=["**", *allowed, *NEVER, *patterns],
            ignore_mode=IgnoreMode.DOCKER,
            file=own_dockerfile if (root / own_dockerfile).is_file() else DOCKERFILE,
            build_args={"CONTAINER": container, **accelerated, **(build_args or {})},
            target=target,
            platform=_PLATFORMS[kind.architecture],  # whatever machine builds
            display_name=f"{described or container} ({kind.described})",
        )
        self.uri, self.tag = asset.image_uri, asset.image_tag
        self.repository_name, self.repository_arn = asset.repository.repository_name, asset.repository.repository_arn
        self.repository_uri = asset.repository.repository_uri


class ModelImage(ContainerImage):
    """The image of a model's container, with the packages of its own script, and with the model for a function."""

    def __init__(self, scope: Construct, id: str, *, root: Path, model: Model, kind: ImageKind) -> None:
        """Raises ArchiveError for a model that must not be packed into a function's image."""
        build_args, patterns = {}, []
        if model.requirements is not None:
            build_args["REQUIREMENTS"] = _below(root, model.requirements)
            patterns.append(f"!{build_args['REQUIREMENTS']}")
        if kind.is_function:
            build_args |= _model_args(root, model)
            patterns += _model_patterns(root, model)
        super().__init__(
            scope,
            id,
            root=root,
            container=model.spec.model.container,
            kind=kind,
            target=FUNCTION_STAGE if kind.is_function else None,
            described=model.spec.name if kind.is_function else None,
            build_args=build_args,
            patterns=patterns,
        )


class TrainingImage(ContainerImage):
    """The image that trains a model with its own train.py, and measures the result as the container serves it."""

    def __init__(self, scope: Construct, id: str, *, root: Path, model: Model) -> None:
        folder, spec = _below(root, model.folder), model.spec.model
        packages = f"containers/training/requirements-{spec.framework}.txt"
        super().__init__(
            scope,
            id,
            root=root,
            container=spec.container,
            target=TRAINING_STAGE,
            described=f"training of {spec.name}",
            build_args={"MODEL": folder, "PACKAGES": packages},
            patterns=[f"!{pattern}" for pattern in (packages, "training/**", "models/*.py", f"{folder}/*.py")]
            + [f"!{folder}/{SPEC_NAME}", *LEFT_OUT],
        )


def _model_args(root: Path, model: Model) -> dict[str, str]:
    return {"MODEL": _below(root, model.folder), "ARTIFACT": os.path.relpath(model.artifact, model.folder)}


def _model_patterns(root: Path, model: Model) -> Sequence[str]:
    """What the archive would hold, and nothing else of the model's folder. Raises ArchiveError."""
    members(model.spec_file, model.artifact)
    return (f"!{_below(root, model.spec_file)}", f"!{_below(root, model.artifact)}/**", *LEFT_OUT)


def _below(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
