"""What SageMaker may do while it starts and runs a model's endpoints.

The list is AWS's own for CreateModel (SageMaker developer guide, "How to use SageMaker execution
roles"), with the exact ARNs in it.
"""

from collections.abc import Sequence

from constructs import Construct

from stacks.constructs.role import Statement, role
from stacks.naming import arn, attribute, endpoint_log_group_name


class ExecutionRole(Construct):
    """The role of one model's endpoints. Offers `arn`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        object_arn: str,
        repository_arn: str,
        endpoints: Sequence[str],
        volume_key_arns: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        statements = [
            {"Action": "s3:GetObject", "Resource": object_arn},
            *_pull_image(repository_arn),
            _write_logs(endpoints),
            _put_metrics(),
            *_use_volume_keys(volume_key_arns),
        ]
        made = role(
            self, "Role", service="sagemaker.amazonaws.com", acts_for=arn("sagemaker", "*"), statements=statements
        )
        self.arn = attribute(made, "Arn")


def _pull_image(repository_arn: str) -> Sequence[Statement]:
    layers = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    return [
        {"Action": layers, "Resource": repository_arn},
        # AWS offers no resource for this one: the token is the account's, and opens only what the line above does.
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    ]


def _write_logs(endpoints: Sequence[str]) -> Statement:
    # The group exists before the endpoint does; CreateLogGroup is there because SageMaker's agent calls it first.
    return {
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        "Resource": [arn("logs", f"log-group:{endpoint_log_group_name(endpoint)}:*") for endpoint in endpoints],
    }


def _put_metrics() -> Statement:
    # CloudWatch offers no resource for this one; the condition keeps it to the instances' own metrics.
    return {
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
    }


def _use_volume_keys(key_arns: Sequence[str]) -> Sequence[Statement]:
    # SageMaker hands a key on to the storage volume by a grant.
    keys = sorted(set(key_arns))
    return [{"Action": ["kms:CreateGrant", "kms:DescribeKey"], "Resource": keys}] if keys else []
