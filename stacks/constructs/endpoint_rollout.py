"""How SageMaker replaces an endpoint's instances, and the alarms that send the requests back to the old ones.

The alarms look at the new instances alone (dimension EndpointConfigName): an update that mends what fails now must not
be called off because it fails now. They are made before the endpoint is told to use the new configuration.
"""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.realtime import RealtimeEndpoint
from models.rollout import ALARM_PERIOD_S, ALARM_PERIODS, Rollout
from stacks.constructs.alarms import FAILING, SLOW, Limits, alarms, watched_variant
from stacks.naming import attribute

_LABEL = "rollout"
_TYPES = {"canary": "CANARY", "linear": "LINEAR", "all-at-once": "ALL_AT_ONCE"}
_SIZES = {"canary": "CanarySize", "linear": "LinearStepSize"}


def rollout_alarm_names(name: str, settings: RealtimeEndpoint) -> list[str]:
    """The alarms of the endpoint `name`, for the role that must see them."""
    if not settings.rollout:
        return []
    watched = [watched_variant(name, served.name).name for served in settings.served if not served.is_shadow]
    return [f"{each}-{_LABEL}-{how}" for each in watched for how in (FAILING, SLOW)]


def deployment_config(
    scope: Construct, name: str, settings: RealtimeEndpoint, rollout: Rollout, config: CfnResource
) -> dict[str, Any]:
    """The endpoint's DeploymentConfig; its alarms are in `scope`, which the endpoint has to wait for."""
    limits = Limits(rollout.failing_percent, rollout.slow_s, ALARM_PERIOD_S, ALARM_PERIODS)
    new = attribute(config, "EndpointConfigName")
    names = [
        alarm
        for served in settings.served
        if not served.is_shadow
        for alarm in alarms(scope, watched_variant(name, served.name, new), limits, label=_LABEL)
    ]
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": _routing(rollout),
            "TerminationWaitInSeconds": rollout.termination_wait_s,
            "MaximumExecutionTimeoutInSeconds": rollout.limit_s,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm} for alarm in names]},
    }


def _routing(rollout: Rollout) -> dict[str, Any]:
    routing: dict[str, Any] = {"Type": _TYPES[rollout.shift], "WaitIntervalInSeconds": rollout.wait_s}
    if rollout.shift in _SIZES:
        routing[_SIZES[rollout.shift]] = {"Type": "CAPACITY_PERCENT", "Value": rollout.step}
    return routing
