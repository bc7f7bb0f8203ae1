"""One SageMaker endpoint: a model, how it is run, its name, its log, and its scaling."""

from typing import Any, TypeGuard

from aws_cdk import CfnOutput, CfnResource
from constructs import Construct

from contract.limits import TIMEOUTS
from models.endpoints import RealtimeEndpoint, ServerlessEndpoint
from stacks.constructs.log_group import log_group
from stacks.naming import attribute, endpoint_log_group_name
from stacks.stage import Stage

VARIANT = "AllTraffic"
STARTUP_TIMEOUT_S = 300  # a container that cannot start fails the deployment after this, not after AWS's 8 minutes
SCALE_OUT_COOLDOWN_S, SCALE_IN_COOLDOWN_S = 60, 300  # quick to help, slow to leave

# On ml.g4dn and ml.g5 SageMaker's default host has NVIDIA driver 470, for CUDA 11; the images need CUDA 12.
GPU_HOST = "al2-ami-sagemaker-inference-gpu-3-1"

Settings = ServerlessEndpoint | RealtimeEndpoint


class Endpoint(Construct):
    """The endpoint `name`. Model and configuration stay unnamed, so that each change makes new ones to switch to."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        settings: Settings,
        image_uri: str,
        engine: str | None,
        archive_url: str,
        role_arn: str,
        stage: Stage,
    ) -> None:
        super().__init__(scope, id)
        environment = {"MODEL_SERVER_TIMEOUT": str(TIMEOUTS.container_s)}
        if engine is not None:
            environment["MODEL_SERVER_ENGINE"] = engine  # the image says it too; the local run has no image
        log = log_group(self, "Log", stage=stage, name=endpoint_log_group_name(name))
        container = {
            "Image": image_uri,
            "ModelDataUrl": archive_url,
            "Environment": environment,
        }
        model = _model(self, settings, {"ExecutionRoleArn": role_arn, "PrimaryContainer": container})
        config = _config(self, settings, attribute(model, "ModelName"))
        endpoint = _endpoint(self, name, settings, attribute(config, "EndpointConfigName"))
        endpoint.add_resource_dependency(log)  # made by SageMaker instead, it would keep its lines for ever
        if _scales(settings):
            _follow_load(self, endpoint, name, settings)
        CfnOutput(self, "EndpointName", value=name, description=f"Name of the {settings.kind} endpoint.")


def _model(scope: Construct, settings: Settings, properties: dict[str, Any]) -> CfnResource:
    if isinstance(settings, RealtimeEndpoint):
        properties["EnableNetworkIsolation"] = True  # serverless does not offer it
    return CfnResource(scope, "Model", type="AWS::SageMaker::Model", properties=properties)


def _config(scope: Construct, settings: Settings, model_name: str) -> CfnResource:
    variant: dict[str, Any] = {"VariantName": VARIANT, "ModelName": model_name, "InitialVariantWeight": 1}
    config: dict[str, Any] = {"ProductionVariants": [variant]}
    if isinstance(settings, ServerlessEndpoint):
        variant["ServerlessConfig"] = {
            "MemorySizeInMB": settings.memory_mb,
            "MaxConcurrency": settings.max_concurrency,
        }
    else:
        variant["InstanceType"] = settings.instance_type
        variant["InitialInstanceCount"] = settings.min_instances
        variant["ContainerStartupHealthCheckTimeoutInSeconds"] = STARTUP_TIMEOUT_S
        if settings.is_gpu:
            variant["InferenceAmiVersion"] = GPU_HOST
        if settings.volume_kms_key_arn:
            config["KmsKeyId"] = settings.volume_kms_key_arn
    return CfnResource(scope, "Config", type="AWS::SageMaker::EndpointConfig", properties=config)


def _endpoint(scope: Construct, name: str, settings: Settings, config_name: str) -> CfnResource:
    properties: dict[str, Any] = {"EndpointName": name, "EndpointConfigName": config_name}
    if _scales(settings):
        properties["RetainAllVariantProperties"] = True  # an update keeps the instances that the load asked for
    return CfnResource(scope, "Endpoint", type="AWS::SageMaker::Endpoint", properties=properties)


def _scales(settings: Settings) -> TypeGuard[RealtimeEndpoint]:
    return isinstance(settings, RealtimeEndpoint) and settings.max_instances > settings.min_instances


def _follow_load(scope: Construct, endpoint: CfnResource, name: str, settings: RealtimeEndpoint) -> None:
    target = CfnResource(
        scope,
        "Instances",
        type="AWS::ApplicationAutoScaling::ScalableTarget",
        properties={
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ResourceId": f"endpoint/{name}/variant/{VARIANT}",
            "MinCapacity": settings.min_instances,
            "MaxCapacity": settings.max_instances,
        },
    )
    target.add_resource_dependency(endpoint)
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "TargetValue": settings.target_invocations_per_instance,
        "ScaleOutCooldown": SCALE_OUT_COOLDOWN_S,
        "ScaleInCooldown": SCALE_IN_COOLDOWN_S,
    }
    CfnResource(
        scope,
        "FollowLoad",
        type="AWS::ApplicationAutoScaling::ScalingPolicy",
        properties={
            "PolicyName": "FollowLoad",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": target.ref,
            "TargetTrackingScalingPolicyConfiguration": tracking,
        },
    )
