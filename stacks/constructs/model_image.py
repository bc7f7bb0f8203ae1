"""The container image of a model: built from the container's folder and what every container shares."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

SPEC_READERS = tuple(f"models/{name}.py" for name in ("__init__", "spec", "endpoints", "labels"))
SHARED = ("contract/**", *SPEC_READERS, "containers/model_server/**")
NEVER = ("**/__pycache__", "**/.DS_Store", "**/*.md")


class ModelImage(Construct):
    """One image for one kind of processor. Offers `uri` and `repository_arn`.

    The build context is an allow-list of the repository: what the image does not hold cannot change its hash.
    """

    def __init__(
        self, scope: Construct, id: str, *, root: Path, container: str, accelerator: str, requirements: Path | None
    ) -> None:
        """`accelerator` is cpu, gpu or native; `requirements`, below `root`, a user's own on top of the container's."""
        super().__init__(scope, id)
        own = [] if requirements is None else [requirements.relative_to(root).as_posix()]
        allowed = (*SHARED, f"containers/{container}/**", *own)
        build_args = {} if accelerator == "cpu" else {"ACCELERATOR": accelerator}  # cpu is the Dockerfile's default
        if own:
            build_args["REQUIREMENTS"] = own[0]
        asset = DockerImageAsset(
            self,
            "Asset",
            directory=str(root),
            exclude=["**", *(f"!{pattern}" for pattern in allowed), *NEVER],
            ignore_mode=IgnoreMode.DOCKER,
            file=f"containers/{container}/Dockerfile",
            build_args=build_args or None,
            platform=Platform.LINUX_AMD64,  # SageMaker's, whatever machine builds
            display_name=f"{container} ({accelerator})",
        )
        self.uri = asset.image_uri
        self.repository_arn = asset.repository.repository_arn
