"""What an endpoint serves and on what: the SageMaker model and the endpoint's configuration.

Both stay unnamed, so that each change makes new ones to switch to.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.component import Component
from models.endpoints import AsyncEndpoint, ServerlessEndpoint
from models.instances import InstanceEndpoint, has_gpu
from models.realtime import RealtimeEndpoint
from models.variants import OWN, Served
from models.vpc import Vpc
from stacks.constructs.endpoint_capture import capture_config
from stacks.naming import attribute

VARIANT = OWN
STARTUP_TIMEOUT_S = 300  # a container that cannot start fails the deployment after this, not after AWS's 8 minutes

# On ml.g4dn and ml.g5 SageMaker's default host has NVIDIA driver 470, for CUDA 11; the images need CUDA 12.
GPU_HOST = "al2-ami-sagemaker-inference-gpu-3-1"

Settings = ServerlessEndpoint | RealtimeEndpoint | AsyncEndpoint


def component_of(settings: Settings) -> Component | None:
    """What a copy of the model reserves, where the endpoint serves copies rather than variants."""
    return settings.component if isinstance(settings, RealtimeEndpoint) else None


def sagemaker_model(scope: Construct, settings: Settings, properties: dict[str, Any], id: str = "Model") -> str:
    """The name of the container with its archive and role, which `properties` name."""
    if isinstance(settings, InstanceEndpoint):
        properties["EnableNetworkIsolation"] = True  # serverless does not offer it
        if settings.vpc and not component_of(settings):
            properties["VpcConfig"] = vpc_config(settings.vpc)
    return attribute(CfnResource(scope, id, type="AWS::SageMaker::Model", properties=properties), "ModelName")


def endpoint_config(
    scope: Construct,
    settings: Settings,
    models: Mapping[str | None, str],
    role_arn: str,
    queue: dict[str, Any] | None = None,
) -> CfnResource:
    """The variants that serve `models` (artifact -> name; None is the model itself), as the endpoint's kind is run.

    An asynchronous endpoint has its `queue`, the AsyncInferenceConfig.
    """
    if isinstance(settings, ServerlessEndpoint):
        config: dict[str, Any] = {"ProductionVariants": [_serverless(settings, models[None])]}
    else:
        config = _on_instances(settings, models)
        if settings.volume_kms_key_arn:
            config["KmsKeyId"] = settings.volume_kms_key_arn
        if component_of(settings):
            config |= {"ExecutionRoleArn": role_arn, "EnableNetworkIsolation": True}
            config |= {"VpcConfig": vpc_config(settings.vpc)} if settings.vpc else {}
        if isinstance(settings, RealtimeEndpoint) and settings.data_capture:
            config["DataCaptureConfig"] = capture_config(settings.data_capture)
        if queue:
            config["AsyncInferenceConfig"] = queue
    return CfnResource(scope, "Config", type="AWS::SageMaker::EndpointConfig", properties=config)


def _serverless(settings: ServerlessEndpoint, model_name: str) -> dict[str, Any]:
    serverless = {"MemorySizeInMB": settings.memory_mb, "MaxConcurrency": settings.max_concurrency}
    if settings.provisioned_concurrency is not None:
        serverless["ProvisionedConcurrency"] = settings.provisioned_concurrency
    return {"VariantName": VARIANT, "ModelName": model_name, "InitialVariantWeight": 1, "ServerlessConfig": serverless}


def _on_instances(settings: RealtimeEndpoint | AsyncEndpoint, models: Mapping[str | None, str]) -> dict[str, Any]:
    if component_of(settings):
        own = {"VariantName": VARIANT, **_instances(settings.served[0]), **_down_to_none(settings)}
        return {"ProductionVariants": [own]}
    variants = [(served.is_shadow, _variant(served, models[served.artifact])) for served in settings.served]
    config = {"ProductionVariants": [variant for is_shadow, variant in variants if not is_shadow]}
    shadows = [variant for is_shadow, variant in variants if is_shadow]
    return config | ({"ShadowProductionVariants": shadows} if shadows else {})


def _variant(served: Served, model_name: str) -> dict[str, Any]:
    return {
        "VariantName": served.name,
        "ModelName": model_name,
        "InitialVariantWeight": served.weight,
        **_instances(served),
        "ContainerStartupHealthCheckTimeoutInSeconds": STARTUP_TIMEOUT_S,
    }


def _instances(served: Served) -> dict[str, Any]:
    least = max(served.min_instances, 1)  # SageMaker makes no endpoint with none
    instances = {"InstanceType": served.instance_type, "InitialInstanceCount": least}
    return {**instances, "InferenceAmiVersion": GPU_HOST} if has_gpu(served.instance_type) else instances


def _down_to_none(settings: InstanceEndpoint) -> dict[str, Any]:
    """An endpoint without a model of its own, for inference components, with an instance for each copy of one."""
    bounds = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": settings.max_instances}
    return {
        "ManagedInstanceScaling": bounds,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }


def vpc_config(vpc: Vpc) -> dict[str, Any]:
    """The VpcConfig of what runs in `vpc`."""
    return {"Subnets": list(vpc.subnet_ids), "SecurityGroupIds": list(vpc.security_group_ids)}
