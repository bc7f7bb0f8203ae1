"""An inference component: copies of a model that come with the first request and go when nobody asks.

SageMaker developer guide, "Scale an endpoint to zero instances". Target tracking lets the last copy go, but with none
there is nothing to track: what brings the first one is an alarm on the requests that found no copy.
"""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.realtime import RealtimeEndpoint
from stacks.constructs.endpoint_config import STARTUP_TIMEOUT_S, VARIANT
from stacks.constructs.endpoint_scaling import cooldowns, predefined, scalable_target, track, wake

WAKING_COOLDOWN_S = 600  # an instance and its image take minutes: who asks again meanwhile must not bring a second copy


def serve_from_zero(
    scope: Construct, endpoint: CfnResource, name: str, settings: RealtimeEndpoint, *, model_name: str
) -> None:
    """The component of the endpoint `name`, which has its name, between no copy and one for each instance."""
    made = _component(scope, name, model_name, _reserved(settings))
    made.add_resource_dependency(endpoint)
    target = scalable_target(
        scope,
        "Copies",
        of=made,
        dimension="sagemaker:inference-component:DesiredCopyCount",
        resource_id=f"inference-component/{name}",
        bounds=(0, settings.max_instances),
    )
    per_copy = predefined("SageMakerInferenceComponentInvocationsPerCopy")
    track(scope, target, per_copy, settings.target_invocations_per_instance, cooldowns(settings))
    wake(
        scope,
        target,
        "AskedAtZero",
        aggregation="Maximum",
        cooldown_s=WAKING_COOLDOWN_S,
        AlarmName=f"{name}-asked-at-zero",
        AlarmDescription=f"{name} is asked and has no copy: brings one.",
        Namespace="AWS/SageMaker",
        MetricName="NoCapacityInvocationFailures",
        Dimensions=[{"Name": "InferenceComponentName", "Value": name}],
        Statistic="Sum",
        TreatMissingData="notBreaching",
    )


def _component(scope: Construct, name: str, model_name: str, reserved: dict[str, Any]) -> CfnResource:
    return CfnResource(
        scope,
        "Component",
        type="AWS::SageMaker::InferenceComponent",
        properties={
            "InferenceComponentName": name,
            "EndpointName": name,
            "VariantName": VARIANT,
            "Specification": {
                "ModelName": model_name,
                "ComputeResourceRequirements": reserved,
                "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": STARTUP_TIMEOUT_S},
            },
            "RuntimeConfig": {"CopyCount": 1},  # a deployment whose container cannot start must fail; it goes by itself
        },
    )


def _reserved(settings: RealtimeEndpoint) -> dict[str, Any]:
    component = settings.component
    reserved: dict[str, Any] = {"MinMemoryRequiredInMb": component.memory_mb} if component else {}
    if component and component.cpu_cores is not None:
        reserved["NumberOfCpuCoresRequired"] = component.cpu_cores
    if settings.is_gpu:
        reserved["NumberOfAcceleratorDevicesRequired"] = 1
    return reserved
