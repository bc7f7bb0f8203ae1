"""The model.tar.gz that SageMaker unpacks into the container."""

from pathlib import Path

from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from models.registry import Model
from stacks.naming import PARTITION
from stacks.staging import archived


class ModelArchive(Construct):
    """A model's archive in S3: packed and uploaded, or already there. Offers `url` and `object_arn`.

    CDK uploads it as `<hash>.gz` (aws-cdk issue 30257). SageMaker's documentation asks for `.tar.gz`, but SageMaker
    reads what is inside: CDK's own integration tests deploy endpoints from such keys.
    """

    def __init__(self, scope: Construct, id: str, *, root: Path, model: Model) -> None:
        super().__init__(scope, id)
        if model.spec.model.is_remote:
            bucket, _, key = model.spec.model.artifact.removeprefix("s3://").partition("/")
        else:
            name = f"{model.spec.name}/model.tar.gz"
            asset = Asset(self, "Asset", path=str(archived(root, model)), display_name=name)
            bucket, key = asset.s3_bucket_name, asset.s3_object_key
        self.url = f"s3://{bucket}/{key}"
        self.object_arn = f"arn:{PARTITION}:s3:::{bucket}/{key}"
