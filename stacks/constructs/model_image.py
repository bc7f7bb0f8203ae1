"""The container image of a model: built from the container's folder and what every container shares."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

SHARED = ("contract/**", "models/__init__.py", "models/spec.py", "containers/model_server/**")
NEVER = ("**/__pycache__", "**/.DS_Store", "**/*.md")


class ModelImage(Construct):
    """One image for one kind of processor. Offers `uri` and `repository_arn`.

    The build context is an allow-list of the repository: what the image does not hold cannot change its hash.
    """

    def __init__(self, scope: Construct, id: str, *, root: Path, container: str, gpu: bool) -> None:
        super().__init__(scope, id)
        allowed = (*SHARED, f"containers/{container}/**")
        asset = DockerImageAsset(
            self,
            "Asset",
            directory=str(root),
            exclude=["**", *(f"!{pattern}" for pattern in allowed), *NEVER],
            ignore_mode=IgnoreMode.DOCKER,
            file=f"containers/{container}/Dockerfile",
            build_args={"ACCELERATOR": "gpu"} if gpu else None,  # cpu is the Dockerfile's default
            platform=Platform.LINUX_AMD64,  # SageMaker's, whatever machine builds
            display_name=f"{container} ({'gpu' if gpu else 'cpu'})",
        )
        self.uri = asset.image_uri
        self.repository_arn = asset.repository.repository_arn
