"""The function that puts the page's files into their bucket, and takes them away, as CloudFormation asks.

A function of our own: CDK's BucketDeployment brings the AWS command as a layer, a managed policy and wildcards.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CfnResource
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from contract.page import CONTENT_TYPES
from models.registry import Model
from models.samples import sample_type, samples
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.log_group import log_group, writing_to
from stacks.constructs.python_function import python_function
from stacks.constructs.role import Statement, role
from stacks.naming import attribute, distribution_arn, page_function
from stacks.stage import Stage
from stacks.staging import Content, files_below, staged

HANDLER = "lambda_handlers.page.handler.handler"
TIMEOUT_S = 240
_MEMORY_MB = 256
_NO_CACHE = "no-cache"
# Their names do not change with their content: a browser asks each time, CloudFront keeps them until it is told.
_AT_THE_EDGE = "public, max-age=0, s-maxage=86400"


def package(root: Path, models: Sequence[Model]) -> dict[str, Content]:
    """The allow-list: every file of the function's package, by path. Those of the page are below site/."""
    page = {file.name: file for file in (root / "web").iterdir() if file.suffix in CONTENT_TYPES}
    types = {name: CONTENT_TYPES[file.suffix] for name, file in page.items()}
    for model in models:
        found = samples(model)
        page |= found
        types |= {name: sample_type(file) for name, file in found.items()}
    sent_with = {
        name: {"type": kind, "cache": _NO_CACHE if name == "index.html" else _AT_THE_EDGE}
        for name, kind in types.items()
    }
    return {
        "lambda_handlers/__init__.py": root / "lambda_handlers/__init__.py",
        **files_below(root, "lambda_handlers/page", "*.py"),
        **{f"site/{name}": file for name, file in page.items()},
        "site.json": json.dumps(sent_with, indent=1, sort_keys=True).encode(),
    }


class PagePublisher(Construct):
    """The function, its log and role, and the files that it has put into `bucket`, in front of which is a CDN."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        root: Path,
        models: Sequence[Model],
        stage: Stage,
        bucket: CfnResource,
        distribution: CfnResource,
    ) -> None:
        super().__init__(scope, id)
        code = Asset(self, "Code", path=str(staged(root, "page", package(root, models))), display_name="page")
        log = log_group(self, "Log", stage=stage)
        function = python_function(
            self,
            code=code,
            handler=HANDLER,
            runs_as=_role(self, log, bucket, distribution),
            log=log,
            properties={
                "FunctionName": page_function(stage),  # by which the API's stack knows it
                "Description": f"Fovea {stage.name}: puts the page where CloudFront finds it.",
                "Environment": {"Variables": {"PAGE_BUCKET": bucket.ref, "PAGE_DISTRIBUTION": distribution.ref}},
                "MemorySize": _MEMORY_MB,
                "Timeout": TIMEOUT_S,
            },
        )
        CfnResource(
            self,
            "Files",
            type="Custom::PageFiles",
            properties={
                "ServiceToken": attribute(function, "Arn"),
                "ServiceTimeout": str(TIMEOUT_S + 60),  # else CloudFormation waits for an hour
                "Version": code.s3_object_key,  # an update is one of the package
            },
        )


def _role(scope: Construct, log: CfnResource, bucket: CfnResource, distribution: CfnResource) -> CfnResource:
    bucket_arn = attribute(bucket, "Arn")
    statements: list[Statement] = [
        {"Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": f"{bucket_arn}/*"},
        {"Action": "s3:ListBucket", "Resource": bucket_arn},
        {"Action": "cloudfront:CreateInvalidation", "Resource": distribution_arn(distribution.ref)},
        writing_to(log),
    ]
    runs_as = role(scope, "Role", service="lambda.amazonaws.com", statements=statements)
    acknowledge(runs_as, "IAM5[Resource::", "the objects of the page's own bucket, which holds nothing else")
    return runs_as
