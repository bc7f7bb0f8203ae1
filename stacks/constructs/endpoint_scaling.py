"""How an endpoint grows and shrinks with its load, by Application Auto Scaling."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.endpoints import ServerlessEndpoint
from models.instances import InstanceEndpoint
from models.realtime import RealtimeEndpoint
from models.variants import Served
from stacks.constructs.endpoint_config import VARIANT

BUSY_SERVERS = 0.7  # of those that are kept started: more than that, and another is started ahead of the requests
SERVERS_OUT_COOLDOWN_S, SERVERS_IN_COOLDOWN_S = 60, 300  # quick to help, slow to leave
WAKE_PERIOD_S = 60


def follow_load(
    scope: Construct, endpoint: CfnResource, name: str, settings: ServerlessEndpoint | RealtimeEndpoint
) -> None:
    """Has each variant of the endpoint `name` keep to its share of the load, where it is to scale."""
    if isinstance(settings, ServerlessEndpoint):
        least, most = settings.provisioned_concurrency, settings.max_provisioned_concurrency
        if least is not None and most is not None:
            _keep_servers(scope, endpoint, name, (least, most))
        return
    for served in settings.served:
        if served.scales:
            of_variant = scope if served.name == VARIANT else Construct(scope, served.name)
            _follow_requests(of_variant, endpoint, name, served, settings)


def _follow_requests(
    scope: Construct, endpoint: CfnResource, name: str, served: Served, settings: RealtimeEndpoint
) -> None:
    target = scalable_target(
        scope,
        "Instances",
        of=endpoint,
        dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{name}/variant/{served.name}",
        bounds=(served.min_instances, served.max_instances),
    )
    per_instance = predefined("SageMakerVariantInvocationsPerInstance")
    track(scope, target, per_instance, settings.target_invocations_per_instance, cooldowns(settings))


def _keep_servers(scope: Construct, endpoint: CfnResource, name: str, bounds: tuple[int, int]) -> None:
    target = scalable_target(
        scope,
        "Provisioned",
        of=endpoint,
        dimension="sagemaker:variant:DesiredProvisionedConcurrency",
        resource_id=f"endpoint/{name}/variant/{VARIANT}",
        bounds=bounds,
    )
    busy = predefined("SageMakerVariantProvisionedConcurrencyUtilization")
    track(scope, target, busy, BUSY_SERVERS, (SERVERS_OUT_COOLDOWN_S, SERVERS_IN_COOLDOWN_S))


def scalable_target(
    scope: Construct, id: str, *, of: CfnResource, dimension: str, resource_id: str, bounds: tuple[int, int]
) -> str:
    """Registers what may be scaled between `bounds`, once `of` is there."""
    least, most = bounds
    target = CfnResource(
        scope,
        id,
        type="AWS::ApplicationAutoScaling::ScalableTarget",
        properties={
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": dimension,
            "ResourceId": resource_id,
            "MinCapacity": least,
            "MaxCapacity": most,
        },
    )
    target.add_resource_dependency(of)
    return target.ref


def predefined(metric: str) -> dict[str, Any]:
    """A metric that Application Auto Scaling itself knows where to find."""
    return {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}}


def cooldowns(settings: InstanceEndpoint) -> tuple[int, int]:
    """Seconds between scalings: out, in."""
    return settings.scale_out_cooldown_s, settings.scale_in_cooldown_s


def track(scope: Construct, target: str, metric: Mapping[str, Any], value: float, cooldowns_s: tuple[int, int]) -> None:
    """Has `target` keep `metric` near `value`, with `cooldowns_s` after scaling out and in."""
    out_s, in_s = cooldowns_s
    tracking = {**metric, "TargetValue": value, "ScaleOutCooldown": out_s, "ScaleInCooldown": in_s}
    kind = {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking}
    scaling_policy(scope, "FollowLoad", target, **kind)


def wake(scope: Construct, target: str, alarm_id: str, *, aggregation: str, cooldown_s: int, **alarm: Any) -> None:
    """Brings `target` its first one when the metric that `alarm` names says that somebody waits.

    Target tracking cannot: with none there is nothing to track.
    """
    one_more = {
        "AdjustmentType": "ChangeInCapacity",
        "MetricAggregationType": aggregation,
        "Cooldown": cooldown_s,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    policy = scaling_policy(scope, "Wake", target, PolicyType="StepScaling", StepScalingPolicyConfiguration=one_more)
    at_once = {
        "Period": WAKE_PERIOD_S,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "AlarmActions": [policy],
    }
    CfnResource(scope, alarm_id, type="AWS::CloudWatch::Alarm", properties={**alarm, **at_once})


def scaling_policy(scope: Construct, name: str, target: str, **properties: Any) -> str:
    """The ARN of a policy of `target`."""
    return CfnResource(
        scope,
        name,
        type="AWS::ApplicationAutoScaling::ScalingPolicy",
        properties={"PolicyName": name, "ScalingTargetId": target, **properties},
    ).ref
