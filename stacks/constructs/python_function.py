"""A Lambda function of this repository's own Python: its runtime, its log, and the reason for both in one place."""

from typing import Any

from aws_cdk import CfnResource
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.naming import attribute


def python_function(
    scope: Construct, *, code: Asset, handler: str, runs_as: CfnResource, log: CfnResource, properties: dict[str, Any]
) -> CfnResource:
    """The function that runs `handler` of the package `code`; `properties` are those that no other one has."""
    function = CfnResource(
        scope,
        "Function",
        type="AWS::Lambda::Function",
        properties={
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "Handler": handler,
            "Code": {"S3Bucket": code.s3_bucket_name, "S3Key": code.s3_object_key},
            "Role": attribute(runs_as, "Arn"),
            "LoggingConfig": {"LogGroup": log.ref, "LogFormat": "JSON"},
            **properties,
        },
    )
    acknowledge(function, "L1", "Python 3.13 has AWS's support for years; the handler is not tested on a later one")
    return function
