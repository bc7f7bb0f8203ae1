"""What an asynchronous endpoint has beside its instances: a queue, where results go, whom they are told to, and zero.

SageMaker developer guide, "Create an asynchronous inference endpoint" and "Autoscale an asynchronous endpoint".
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, CfnResource
from constructs import Construct

from models.endpoints import AsyncEndpoint
from models.spec import ModelSpec
from stacks.constructs.endpoint_config import VARIANT
from stacks.constructs.endpoint_scaling import cooldowns, scalable_target, track, wake
from stacks.constructs.role import Statement
from stacks.constructs.topic import topic
from stacks.naming import PARTITION, arn, error_topic, inputs_bucket, results_bucket, success_topic
from stacks.stage import Stage

NAMESPACE = "AWS/SageMaker"
WAKE_COOLDOWN_S = 300  # an instance takes minutes to start, and the queue waits meanwhile

QUEUED = "what is uploaded and written for jobs of this model: an object for each, which nobody can name yet"

Properties = dict[str, Any]


def output_prefix(model: str) -> str:
    """Below it SageMaker writes what jobs of that model give."""
    return f"{model}/output/"


def failure_prefix(model: str) -> str:
    """Below it SageMaker writes why a job of that model gave nothing."""
    return f"{model}/failure/"


def queue(scope: Construct, name: str, *, model: str, settings: AsyncEndpoint, stage: Stage) -> Properties:
    """The AsyncInferenceConfig of the endpoint `name`, and its two topics."""
    results = f"s3://{results_bucket(stage)}/"
    succeeded = _topic(scope, "Success", success_topic(name), "Told of each job that is done.")
    failed = _topic(scope, "Error", error_topic(name), "Told of each job that has failed.")
    config: Properties = {
        "OutputConfig": {
            "S3OutputPath": results + output_prefix(model),
            "S3FailurePath": results + failure_prefix(model),
            "NotificationConfig": {"SuccessTopic": succeeded, "ErrorTopic": failed},
        }
    }
    most = settings.max_concurrent_invocations_per_instance
    if most is not None:
        config["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": most}
    return config


def permissions(model: ModelSpec, names: Sequence[str], stage: Stage) -> Sequence[Statement]:
    """What the role of a model's endpoints needs for the asynchronous ones among them, `names`."""
    if not names:
        return []
    topics = [arn("sns", of(name)) for name in names for of in (success_topic, error_topic)]
    return [
        {"Action": "s3:GetObject", "Resource": f"arn:{PARTITION}:s3:::{inputs_bucket(stage)}/{model.name}/*"},
        {
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
            "Resource": f"arn:{PARTITION}:s3:::{results_bucket(stage)}/{model.name}/*",
        },
        {"Action": "sns:Publish", "Resource": topics},
    ]


def follow_queue(scope: Construct, endpoint: CfnResource, name: str, settings: AsyncEndpoint) -> None:
    """Has the endpoint `name` keep to its queue, where it is to scale; from zero by an alarm."""
    if not settings.scales:
        return
    target = scalable_target(
        scope,
        "Instances",
        of=endpoint,
        dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{name}/variant/{VARIANT}",
        bounds=(settings.min_instances, settings.max_instances),
    )
    track(scope, target, _backlog(name), settings.target_backlog_per_instance, cooldowns(settings))
    if settings.min_instances == 0:
        wake(
            scope,
            target,
            "Waits",
            aggregation="Average",
            cooldown_s=WAKE_COOLDOWN_S,
            AlarmName=f"{name}-wake",
            AlarmDescription=f"A job waits for {name}, which has no instance; this starts one, and asks nobody.",
            Namespace=NAMESPACE,
            MetricName="HasBacklogWithoutCapacity",
            Dimensions=_of(name),
            Statistic="Average",
            TreatMissingData="missing",
        )


def _backlog(name: str) -> Properties:
    """What target tracking follows: the jobs in the queue and at work, for each instance."""
    return {
        "CustomizedMetricSpecification": {
            "Namespace": NAMESPACE,
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": _of(name),
            "Statistic": "Average",
        }
    }


def _topic(scope: Construct, what: str, name: str, description: str) -> str:
    told = topic(scope, f"{what}Topic", name=name, title=name).arn
    CfnOutput(scope, f"{what}TopicArn", value=told, description=description)
    return told


def _of(name: str) -> list[dict[str, str]]:
    return [{"Name": "EndpointName", "Value": name}]
