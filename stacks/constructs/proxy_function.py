"""The Lambda function between the API and the endpoints.

Its package is this repository's own code and nothing else: botocore comes with the runtime, and a
router such as powertools' would cost some 110 ms of import at each cold start, after API Gateway has
already routed.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CfnResource
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from contract.limits import TIMEOUTS
from models.registry import Model, public_description
from stacks.constructs.log_group import log_group
from stacks.constructs.role import role
from stacks.naming import attribute, endpoint_arn, endpoint_name
from stacks.stage import Stage
from stacks.staging import Content, files_below, staged

HANDLER = "lambda_handlers.proxy.handler.handler"

# CPU grows with memory. The function waits for SageMaker most of the time, which 512 MB would do as well, but a
# cold start and the base64 of a 4 MB photograph are CPU alone, and take half as long at 1024.
MEMORY_MB = 1024


def registry(models: Sequence[Model], stage: Stage) -> bytes:
    """registry.json: what GET /models answers, and which SageMaker endpoint is behind each name."""
    content = {
        "stage": stage.name,
        "models": [public_description(model) for model in models],
        "targets": {
            model.spec.name: {name: endpoint_name(stage, model.spec, name) for name in model.spec.endpoints}
            for model in models
        },
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode()


def package(root: Path, models: Sequence[Model], stage: Stage) -> dict[str, Content]:
    """The allow-list: every file of the function's package, by path."""
    return {
        "lambda_handlers/__init__.py": root / "lambda_handlers/__init__.py",
        **files_below(root, "lambda_handlers/proxy", "*.py"),
        **files_below(root, "contract", "*.py"),
        "registry.json": registry(models, stage),
    }


class ProxyFunction(Construct):
    """The function, its log and its role. Offers `arn`."""

    def __init__(self, scope: Construct, id: str, *, root: Path, models: Sequence[Model], stage: Stage) -> None:
        super().__init__(scope, id)
        code = Asset(self, "Code", path=str(staged(root, "proxy", package(root, models, stage))), display_name="proxy")
        log = log_group(self, "Log", stage=stage)
        specs = [model.spec for model in models]
        endpoints = [endpoint_arn(endpoint_name(stage, spec, name)) for spec in specs for name in spec.endpoints]
        statements = [
            {"Action": "sagemaker:InvokeEndpoint", "Resource": endpoints},
            {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": attribute(log, "Arn")},
        ]
        runs_as = role(self, "Role", service="lambda.amazonaws.com", statements=statements)
        function = CfnResource(
            self,
            "Function",
            type="AWS::Lambda::Function",
            properties={
                "Description": f"Fovea {stage.name}: from the API to the SageMaker endpoints.",
                "Runtime": "python3.13",
                "Architectures": ["arm64"],
                "Handler": HANDLER,
                "Code": {"S3Bucket": code.s3_bucket_name, "S3Key": code.s3_object_key},
                "Role": attribute(runs_as, "Arn"),
                "MemorySize": MEMORY_MB,
                "Timeout": TIMEOUTS.function_s,
                "LoggingConfig": {"LogGroup": log.ref, "LogFormat": "JSON"},
            },
        )
        self.arn = attribute(function, "Arn")
