"""One SageMaker endpoint: a model, how it is run, its name, its log, and its scaling."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, CfnResource
from constructs import Construct

from contract.limits import BODIES, TIMEOUTS
from models.endpoints import AsyncEndpoint, ServerlessEndpoint
from models.realtime import RealtimeEndpoint
from stacks.constructs.async_endpoint import follow_queue, queue
from stacks.constructs.endpoint_component import serve_from_zero
from stacks.constructs.endpoint_config import Settings, component_of, endpoint_config, sagemaker_model
from stacks.constructs.endpoint_rollout import deployment_config
from stacks.constructs.endpoint_scaling import follow_load
from stacks.constructs.log_group import log_group
from stacks.naming import attribute, component_log_group_name, endpoint_log_group_name
from stacks.stage import Stage


class Endpoint(Construct):
    """The endpoint `name`. Model and configuration stay unnamed, so that each change makes new ones to switch to."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        model: str,
        settings: Settings,
        image_uri: str,
        engine: str | None,
        archive_urls: Mapping[str | None, str],
        role_arn: str,
        stage: Stage,
    ) -> None:
        """`archive_urls` has the model's own as None, and each variant's by what its table calls it."""
        super().__init__(scope, id)
        log = log_group(self, "Log", stage=stage, name=endpoint_log_name(name, settings))
        container = {"Image": image_uri, "Environment": _environment(settings, engine)}
        models = {
            artifact: sagemaker_model(
                self,
                settings,
                {"ExecutionRoleArn": role_arn, "PrimaryContainer": {**container, "ModelDataUrl": url}},
                f"Model {artifact}" if artifact else "Model",
            )
            for artifact, url in archive_urls.items()
        }
        jobs = None
        if isinstance(settings, AsyncEndpoint):
            jobs = queue(self, name, model=model, settings=settings, stage=stage)
        config = endpoint_config(self, settings, models, role_arn, jobs)
        endpoint = _endpoint(self, name, settings, config)
        endpoint.add_resource_dependency(log)  # made by SageMaker instead, it would keep its lines for ever
        if isinstance(settings, RealtimeEndpoint) and settings.component:
            serve_from_zero(self, endpoint, name, settings, model_name=models[None])
        elif isinstance(settings, AsyncEndpoint):
            follow_queue(self, endpoint, name, settings)
        else:
            follow_load(self, endpoint, name, settings)
        CfnOutput(self, "EndpointName", value=name, description=f"Name of the {settings.kind} endpoint.")


def artifacts_of(settings: Settings) -> Sequence[str | None]:
    """What an endpoint serves: None is the model's own artifact."""
    served = settings.served if isinstance(settings, RealtimeEndpoint) else ()
    return list(dict.fromkeys([None, *(each.artifact for each in served)]))


def endpoint_log_name(name: str, settings: Settings) -> str:
    """The log group of the endpoint `name`'s containers, which SageMaker calls otherwise where they are components'."""
    return component_log_group_name(name) if component_of(settings) else endpoint_log_group_name(name)


def server_environment(timeout_s: int, engine: str | None) -> dict[str, str]:
    """The variables of a model server, wherever it runs."""
    environment = {"MODEL_SERVER_TIMEOUT": str(timeout_s)}
    if engine is not None:
        environment["MODEL_SERVER_ENGINE"] = engine  # the image says it too; the local run has no image
    return environment


def _environment(settings: Settings, engine: str | None) -> dict[str, str]:
    if isinstance(settings, AsyncEndpoint):
        return server_environment(settings.timeout_s, engine) | {"MODEL_SERVER_MAX_BODY_BYTES": str(BODIES.upload)}
    return server_environment(TIMEOUTS.container_s, engine)


def _endpoint(scope: Construct, name: str, settings: Settings, config: CfnResource) -> CfnResource:
    properties: dict[str, Any] = {"EndpointName": name, "EndpointConfigName": attribute(config, "EndpointConfigName")}
    watching = Construct(scope, "Rollout")
    if not isinstance(settings, ServerlessEndpoint) and not component_of(settings):
        properties |= _retained(settings)
    if isinstance(settings, RealtimeEndpoint) and settings.rollout and not settings.component:
        properties["DeploymentConfig"] = deployment_config(watching, name, settings, settings.rollout, config)
    endpoint = CfnResource(scope, "Endpoint", type="AWS::SageMaker::Endpoint", properties=properties)
    endpoint.node.add_dependency(watching)
    return endpoint


def _retained(settings: RealtimeEndpoint | AsyncEndpoint) -> dict[str, Any]:
    """An update keeps the instances that the load asked for; not the weights, which nothing changes but the file."""
    if not any(served.scales for served in settings.served):
        return {}
    weights = {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}]}
    return {"RetainAllVariantProperties": True, **(weights if len(settings.served) > 1 else {})}
