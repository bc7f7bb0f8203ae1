"""Alarms on what callers would notice: errors of ours, and answers that take too long.

Those of a stage know endpoints by name alone, as the API does, so they deploy before, after or without them. An
endpoint's rollout has its own, beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.endpoints import AsyncEndpoint, Endpoint, LambdaEndpoint
from models.realtime import RealtimeEndpoint
from models.registry import Model
from stacks.constructs.endpoint_config import VARIANT
from stacks.naming import endpoint_name
from stacks.stage import PROJECT, Stage

FAILING, SLOW, WAITING = "failing", "slow", "waiting"
OLD_S = 1800.0  # of the oldest job that waits; an instance is there after some ten minutes

Dimensions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Watched:
    """What CloudWatch calls something that answers requests, and its metrics' own names and units."""

    name: str
    namespace: str
    dimensions: Dimensions
    requests: str
    errors: str
    latency: str
    a_second: float
    """A second in the unit of `latency`."""
    queue: Dimensions | None = None
    """Those of its queue, where requests wait in one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When an alarm goes off: `failing_percent` of the requests, or a p99 above `slow_s`, for so long."""

    failing_percent: float = 1.0
    slow_s: float = 10.0  # nobody waits longer than 24
    period_s: int = 300
    periods: int = 2  # ten minutes of it, not a moment


def watched(models: Sequence[Model], stage: Stage) -> list[Watched]:
    """Every endpoint of `stage`, and its API."""
    api = {"ApiName": f"{PROJECT}-{stage.name}", "Stage": stage.name}
    found = [Watched(f"{PROJECT}-{stage.name}-api", "AWS/ApiGateway", api, "Count", "5XXError", "Latency", 1e3)]
    for model in models:
        for endpoint, settings in model.spec.endpoints.items():
            name = endpoint_name(stage, model.spec, endpoint)
            found += watched_at(name, settings)
    return found


def watched_at(name: str, settings: Endpoint) -> list[Watched]:
    """What of the endpoint `name` answers, each by itself: its variants, shadows among them, or its component."""
    if isinstance(settings, LambdaEndpoint):
        return [_function(name)]
    if isinstance(settings, AsyncEndpoint):
        return [_queue(name)]
    if not isinstance(settings, RealtimeEndpoint):
        return [watched_variant(name)]
    if settings.component:
        return [_on_sagemaker(name, {"InferenceComponentName": name})]
    return [watched_variant(name, served.name) for served in settings.served]


def watched_variant(name: str, variant: str = VARIANT, config_name: str | None = None) -> Watched:
    """A variant of the endpoint `name`; with `config_name`, only what that configuration answers."""
    dimensions = {"EndpointName": name, "VariantName": variant}
    if config_name is not None:
        dimensions["EndpointConfigName"] = config_name
    return _on_sagemaker(name if variant == VARIANT else f"{name}-{variant}", dimensions)


def _on_sagemaker(name: str, dimensions: Dimensions) -> Watched:
    return Watched(name, "AWS/SageMaker", dimensions, "Invocations", "Invocation5XXErrors", "ModelLatency", 1e6)


def _queue(name: str) -> Watched:
    """SageMaker developer guide, "Monitor asynchronous endpoint". A failure may be the client's, a 5XX is ours."""
    dimensions, queue = {"EndpointName": name, "VariantName": VARIANT}, {"EndpointName": name}
    counted = "InvocationsProcessed", "Invocation5XXErrors"
    return Watched(name, "AWS/SageMaker", dimensions, *counted, "ApproximateAgeOfOldestRequest", 1, queue)


def _function(name: str) -> Watched:
    return Watched(name, "AWS/Lambda", {"FunctionName": name}, "Invocations", "Errors", "Duration", 1e3)


def alarms(
    scope: Construct, each: Watched, limits: Limits | None = None, *, topic_arn: str = "", label: str = ""
) -> list[str]:
    """Two alarms, which tell `topic_arn` if there is one; their names, with `label` in them."""
    limits = limits or Limits()
    name = f"{each.name}-{label}" if label else each.name
    common = _common(limits, topic_arn)
    failing = {
        "AlarmName": f"{name}-{FAILING}",
        "AlarmDescription": f"{name} fails on more than {limits.failing_percent:g} % of its requests.",
        "Metrics": [
            {"Id": "percent", "Expression": "IF(requests > 0, 100 * errors / requests, 0)", "Label": "failing, %"},
            _metric("errors", each, each.errors, limits.period_s),
            _metric("requests", each, each.requests, limits.period_s),
        ],
        "Threshold": limits.failing_percent,
    }
    second = _slow(each, name, limits) if each.queue is None else _waiting(each, name, each.queue, limits)
    for alarm in (failing, second):
        properties = {**common, **alarm}
        CfnResource(scope, str(alarm["AlarmName"]), type="AWS::CloudWatch::Alarm", properties=properties)
    return [str(alarm["AlarmName"]) for alarm in (failing, second)]


def _slow(each: Watched, name: str, limits: Limits) -> dict[str, Any]:
    return {
        "AlarmName": f"{name}-{SLOW}",
        "AlarmDescription": f"One request in a hundred to {name} takes more than {limits.slow_s:g} s.",
        "Namespace": each.namespace,
        "MetricName": each.latency,
        "Dimensions": _listed(each.dimensions),
        "ExtendedStatistic": "p99",
        "Period": limits.period_s,
        "Threshold": limits.slow_s * each.a_second,
    }


def _waiting(each: Watched, name: str, queue: Dimensions, limits: Limits) -> dict[str, Any]:
    return {
        "AlarmName": f"{name}-{WAITING}",
        "AlarmDescription": f"A job for {name} has waited more than {OLD_S:g} s.",
        "Namespace": each.namespace,
        "MetricName": each.latency,
        "Dimensions": _listed(queue),
        "Statistic": "Maximum",
        "Period": limits.period_s,
        "Threshold": OLD_S * each.a_second,
    }


def _common(limits: Limits, topic_arn: str) -> dict[str, Any]:
    told = {"AlarmActions": [topic_arn], "OKActions": [topic_arn]} if topic_arn else {}
    return {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": limits.periods,
        "TreatMissingData": "notBreaching",  # nobody asked
        **told,
    }


def _metric(id: str, each: Watched, metric: str, period_s: int) -> dict[str, Any]:
    named = {"Namespace": each.namespace, "MetricName": metric, "Dimensions": _listed(each.dimensions)}
    return {"Id": id, "ReturnData": False, "MetricStat": {"Metric": named, "Period": period_s, "Stat": "Sum"}}


def _listed(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
