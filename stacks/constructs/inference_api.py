"""The HTTPS API: four routes, one function behind them, a key in front."""

import hashlib
import json
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from contract.limits import TIMEOUTS
from stacks.constructs.gateway_logging import GatewayLogging
from stacks.constructs.gateway_responses import ERRORS, gateway_responses, template
from stacks.constructs.log_group import log_group
from stacks.naming import PARTITION, REGION, URL_SUFFIX, arn, attribute
from stacks.stage import PROJECT, Stage

# A key is asked for everywhere, /openapi.json included: nobody without one can run the function or learn what
# is deployed, and every call counts against somebody's quota.
ROUTES = (
    ("GET", "/models"),
    ("GET", "/models/{model}"),
    ("POST", "/models/{model}/predict"),
    ("GET", "/openapi.json"),
)

# Any type is binary: one that the API does not know must still reach the handler as it was sent, to be told so.
BINARY_MEDIA_TYPES = ["*/*"]

# Nothing a client wrote is in a line, so there is no path, query or agent, and no address: the key tells the caller.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "responseBytes": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "functionMs": "$context.integration.latency",
    "functionStatus": "$context.integration.status",
    "functionRequestId": "$context.integration.requestId",
    "apiKeyId": "$context.identity.apiKeyId",
}


class InferenceApi(Construct):
    """A regional REST API in front of one proxy function. Offers `url` and `key_id`."""

    def __init__(self, scope: Construct, id: str, *, function_arn: str, stage: Stage) -> None:
        super().__init__(scope, id)
        api = _resource(
            self,
            "RestApi",
            Name=f"{PROJECT}-{stage.name}",
            BinaryMediaTypes=BINARY_MEDIA_TYPES,
            EndpointConfiguration={"Types": ["REGIONAL"]},
        )
        api_id = api.ref
        definition = Construct(self, "Definition")
        paths = _paths(definition, api_id, attribute(api, "RootResourceId"))
        for verb, route in ROUTES:
            _method(
                definition, verb, route, RestApiId=api_id, ResourceId=paths[route], Integration=_proxy(function_arn)
            )
        gateway_responses(definition, api_id)
        deployed = _stage(self, api, _deployment(self, api_id, definition), stage)
        self.url = f"https://{api_id}.execute-api.{REGION}.{URL_SUFFIX}/{stage.name}"
        self.key_id = _key(self, api_id, deployed, stage)
        CfnResource(
            self,
            "InvokeFunction",
            type="AWS::Lambda::Permission",
            properties={
                "Action": "lambda:InvokeFunction",
                "FunctionName": function_arn,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": arn("execute-api", f"{api_id}/{stage.name}/*"),
            },
        )


def _resource(scope: Construct, kind: str, id: str = "", **properties: Any) -> CfnResource:
    return CfnResource(scope, id or kind, type=f"AWS::ApiGateway::{kind}", properties=properties)


def _paths(scope: Construct, api_id: str, root_id: str) -> dict[str, str]:
    """The id of the resource of each route, and of the paths that lead there."""
    ids = {"": root_id}
    for _, route in ROUTES:
        parent = ""
        for part in route.split("/")[1:]:
            path = f"{parent}/{part}"
            if path not in ids:
                ids[path] = _resource(
                    scope, "Resource", path, RestApiId=api_id, ParentId=ids[parent], PathPart=part
                ).ref
            parent = path
    return ids


def _proxy(function_arn: str) -> dict[str, Any]:
    return {
        "Type": "AWS_PROXY",
        "IntegrationHttpMethod": "POST",
        "Uri": f"arn:{PARTITION}:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function_arn}/invocations",
        "TimeoutInMillis": TIMEOUTS.gateway_s * 1000,
    }


def _method(scope: Construct, verb: str, route: str, **properties: Any) -> None:
    _resource(
        scope,
        "Method",
        f"{verb} {route}",
        HttpMethod=verb,
        AuthorizationType="NONE",
        ApiKeyRequired=True,
        **properties,
    )


def _deployment(scope: Construct, api_id: str, definition: Construct) -> str:
    """The id of a snapshot of `definition`: API Gateway serves only those, so a change must change its name too."""
    responses = {name: (e.status, e.retry_after_s, template(e)) for name, e in ERRORS.items()}
    content = json.dumps([ROUTES, BINARY_MEDIA_TYPES, TIMEOUTS.gateway_s, responses], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    deployment = _resource(scope, "Deployment", f"Deployment{digest}", RestApiId=api_id)
    deployment.node.add_dependency(definition)
    return deployment.ref


def _stage(scope: Construct, api: CfnResource, deployment_id: str, stage: Stage) -> str:
    """The name of the stage, for those that need it deployed."""
    log = log_group(scope, "AccessLog", stage=stage)
    limits = {"ThrottlingRateLimit": stage.requests_per_second, "ThrottlingBurstLimit": stage.burst_requests}
    deployed = _resource(
        scope,
        "Stage",
        RestApiId=api.ref,
        DeploymentId=deployment_id,
        StageName=stage.name,
        AccessLogSetting={"DestinationArn": arn("logs", f"log-group:{log.ref}"), "Format": json.dumps(ACCESS_LOG)},
        MethodSettings=[{"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": True, **limits}],
    )
    deployed.add_resource_dependency(GatewayLogging(scope, "Logging", api=api).setting)
    return deployed.ref


def _key(scope: Construct, api_id: str, stage_name: str, stage: Stage) -> str:
    """The id of a first key, inside the stage's quota."""
    quota = {"Limit": stage.requests_per_day, "Period": "DAY"}
    plan = _resource(scope, "UsagePlan", ApiStages=[{"ApiId": api_id, "Stage": stage_name}], Quota=quota)
    key_id = _resource(scope, "ApiKey", Enabled=True, Description=f"Fovea {stage.name}: a first key.").ref
    _resource(scope, "UsagePlanKey", KeyId=key_id, KeyType="API_KEY", UsagePlanId=plan.ref)
    return key_id
