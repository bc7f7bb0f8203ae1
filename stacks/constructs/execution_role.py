"""What SageMaker may do while it starts and runs a model's endpoints.

The list is AWS's own for CreateModel (SageMaker developer guide, "How to use SageMaker execution
roles"), with the exact ARNs in it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.role import Statement, role
from stacks.naming import arn, attribute


class ExecutionRole(Construct):
    """The role of one model's endpoints. Offers `arn`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        object_arns: Sequence[str],
        repository_arn: str,
        log_groups: Sequence[str],
        volume_key_arns: Sequence[str],
        alarms: Sequence[str] = (),
        more: Mapping[str, Sequence[Statement]] = MappingProxyType({}),
    ) -> None:
        """`more` has statements by what in them AWS itself names, so that they cannot."""
        super().__init__(scope, id)
        statements = [
            _read(object_arns),
            *pull_image(repository_arn),
            _write_logs(log_groups),
            _put_metrics(log_groups),
            *_use_volume_keys(volume_key_arns),
            *_see_alarms(alarms),
            *(statement for statements in more.values() for statement in statements),
        ]
        made = role(
            self, "Role", service="sagemaker.amazonaws.com", acts_for=arn("sagemaker", "*"), statements=statements
        )
        acknowledge(made, "IAM5[Resource::*]", "AWS offers no resource for ECR's token, PutMetricData or seeing a VPC")
        named_by_aws = ["the log streams, which SageMaker names, of exactly these log groups"]
        named_by_aws += [what for what, given in more.items() if given]
        acknowledge(made, "IAM5[Resource::arn:", "; ".join(named_by_aws))
        self.arn = attribute(made, "Arn")


def _read(object_arns: Sequence[str]) -> Statement:
    one, *more = object_arns
    return {"Action": "s3:GetObject", "Resource": [one, *more] if more else one}


def pull_image(repository_arn: str) -> Sequence[Statement]:
    """What fetching an image of the repository takes."""
    layers = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    return [
        {"Action": layers, "Resource": repository_arn},
        # AWS offers no resource for this one: the token is the account's, and opens only what the line above does.
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    ]


def _write_logs(groups: Sequence[str]) -> Statement:
    # The group exists before the endpoint does; CreateLogGroup is there because SageMaker's agent calls it first.
    return {
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        "Resource": [arn("logs", f"log-group:{group}:*") for group in groups],
    }


def _put_metrics(log_groups: Sequence[str]) -> Statement:
    # CloudWatch offers no resource for this one; the condition keeps it to the instances' own metrics, whose namespaces
    # are called as their log groups are.
    one, *more = sorted({group.rpartition("/")[0] for group in log_groups})
    return {
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": [one, *more] if more else one}},
    }


def _use_volume_keys(key_arns: Sequence[str]) -> Sequence[Statement]:
    # SageMaker hands a key on to the storage volume by a grant.
    keys = sorted(set(key_arns))
    return [{"Action": ["kms:CreateGrant", "kms:DescribeKey"], "Resource": keys}] if keys else []


def _see_alarms(names: Sequence[str]) -> Sequence[Statement]:
    # SageMaker developer guide, "Auto-Rollback Configuration and Monitoring": without it no alarm calls an update off.
    arns = [arn("cloudwatch", f"alarm:{name}") for name in names]
    return [{"Action": "cloudwatch:DescribeAlarms", "Resource": arns}] if arns else []
