"""What SageMaker may do while it trains a model and evaluates what came of it.

The list is AWS's own for CreateTrainingJob and CreateProcessingJob (SageMaker developer guide, "How to use SageMaker
execution roles"), with the ARNs of one model in it.
"""

from collections.abc import Iterator, Sequence

from aws_cdk import CfnResource
from constructs import Construct

from models.vpc import Vpc
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.endpoint_vpc import JOINED, join_network
from stacks.constructs.execution_role import pull_image
from stacks.constructs.role import Statement, role
from stacks.constructs.training_storage import TrainingStorage
from stacks.naming import arn

LOGS = ("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs")
"""SageMaker's own names, of groups that all jobs of the account share; the namespaces of their metrics are the same."""


def job_role(
    scope: Construct, *, storage: TrainingStorage, served: str, repository_arn: str, jobs: str, vpc: Vpc | None
) -> CfnResource:
    """The role of the jobs whose names begin with `jobs`; `served` is the archive that the deployment brought."""
    statements = [*_storage(storage, served), *pull_image(repository_arn), *_watched(jobs), *join_network(vpc)]
    made = role(
        scope, "JobRole", service="sagemaker.amazonaws.com", acts_for=arn("sagemaker", "*"), statements=statements
    )
    named = ["this model's part of the bucket and the log streams of its jobs", *([JOINED] if vpc else [])]
    acknowledge(made, "IAM5[Resource::*]", "AWS offers no resource for ECR's token, PutMetricData or seeing a VPC")
    acknowledge(made, "IAM5[Resource::arn:", "; ".join(named))
    return made


def _storage(storage: TrainingStorage, served: str) -> Iterator[Statement]:
    readable = [storage.objects_arn(part) for part in ("data", "models", "checkpoints")]
    yield {"Action": "s3:GetObject", "Resource": [*readable, served]}
    written = [storage.objects_arn(part) for part in ("models", "checkpoints", "evaluations")]
    yield {"Action": ["s3:PutObject", "s3:AbortMultipartUpload"], "Resource": written}
    yield {
        "Action": "s3:ListBucket",
        "Resource": storage.bucket_arn,
        "Condition": {"StringLike": {"s3:prefix": f"{storage.model}/*"}},
    }


def _watched(jobs: str) -> Sequence[Statement]:
    streams = [arn("logs", f"log-group:{group}:log-stream:{jobs}-*") for group in LOGS]
    groups = [arn("logs", f"log-group:{group}:*") for group in LOGS]
    return [
        {"Action": ["logs:CreateLogGroup", "logs:DescribeLogStreams"], "Resource": groups},
        {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": streams},
        {
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": list(LOGS)}},
        },
    ]
