"""The HTTPS API: its routes, one function behind them, and in front who may call."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from contract.limits import TIMEOUTS
from contract.page import REQUEST_HEADERS, readable_from
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.cors import preflight
from stacks.constructs.custom_domain import CustomDomain
from stacks.constructs.gateway_logging import GatewayLogging
from stacks.constructs.gateway_responses import errors, gateway_responses, template
from stacks.constructs.log_group import log_group
from stacks.constructs.usage_plans import usage_plans
from stacks.constructs.user_pool import UserPool
from stacks.constructs.web_acl import WebAcl
from stacks.naming import PARTITION, REGION, URL_SUFFIX, arn, attribute
from stacks.options import Options
from stacks.stage import PROJECT, Auth, Stage

# Every route asks who calls, /openapi.json included: nobody else can run the function or learn what is deployed.
ROUTES = (
    ("GET", "/models"),
    ("GET", "/models/{model}"),
    ("POST", "/models/{model}/predict"),
    ("GET", "/openapi.json"),
)
# Only where some model has an asynchronous endpoint: without, there are no buckets, and each could but fail.
JOB_ROUTES = (
    ("POST", "/models/{model}/uploads"),
    ("POST", "/models/{model}/jobs"),
    ("GET", "/jobs/{id}"),
)

Routes = Sequence[tuple[str, str]]

# Any type is binary: one that the API does not know must still reach the handler as it was sent, to be told so.
BINARY_MEDIA_TYPES = ["*/*"]

# TLS 1.2 or newer with forward secrecy. What an API has unless told otherwise, TLS_1_0, takes TLS 1.0 too (API Gateway
# developer guide, "Security policies for REST APIs"). STRICT: the name in the handshake is the name in the request.
TLS = {"SecurityPolicy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09", "EndpointAccessMode": "STRICT"}

AUTHORIZATION_TYPES: dict[Auth, str] = {"api-key": "NONE", "iam": "AWS_IAM", "cognito": "COGNITO_USER_POOLS"}

# Nothing a client wrote is in a line, so there is no path, query or agent, and no address: what it showed is
# enough to tell who it was.
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
CALLERS_IN_LOG: dict[Auth, dict[str, str]] = {
    "api-key": {},
    "iam": {"callerArn": "$context.identity.userArn"},
    "cognito": {"callerSubject": "$context.authorizer.claims.sub"},
}


class InferenceApi(Construct):
    """A regional REST API in front of one proxy function, which a page of `page_origin` may call, if there is one.

    Offers its `id` and `url`, `key_ids` by caller, and what is there by option: `users` and `domain`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        function_arn: str,
        routes: Routes,
        stage: Stage,
        options: Options,
        page_origin: str = "",
    ) -> None:
        super().__init__(scope, id)
        settings = _settings(options)
        api = _resource(self, "RestApi", Name=f"{PROJECT}-{stage.name}", **settings)
        acknowledge(api, "APIG2", "a body is a picture, which no schema describes; the handler checks every request")
        self.id = api_id = api.ref
        self.users = None
        if options.auth == "cognito":
            self.users = UserPool(self, "Users", stage=stage, options=options, page_origin=page_origin)
        definition = Construct(self, "Definition")
        shown = _shown(definition, api_id, options, self.users)
        paths = _paths(definition, api_id, attribute(api, "RootResourceId"), routes)
        for verb, route in routes:
            method = {"RestApiId": api_id, "ResourceId": paths[route], "Integration": _proxy(function_arn)}
            _method(definition, verb, route, options.auth, **shown, **method)
        for route in paths if page_origin else ():
            if verbs := ",".join(verb for verb, path in routes if path == route):
                preflight(definition, route, api_id=api_id, resource_id=paths[route], verbs=verbs, origin=page_origin)
        gateway_responses(definition, api_id, options.auth, page_origin)
        asked = [routes, options.shown, settings, TIMEOUTS.gateway_s, _answers(options.auth), *_page(options)]
        deployed = _stage(self, api, _deployment(self, api_id, definition, asked), stage, options)
        self.url = f"https://{api_id}.execute-api.{REGION}.{URL_SUFFIX}/{stage.name}"
        self.domain = None
        if options.domain:
            self.domain = CustomDomain(self, "Domain", api_id=api_id, stage_name=deployed, options=options, tls=TLS)
            self.url = f"https://{options.domain}"
        if options.waf:
            WebAcl(self, "Firewall", api_id=api_id, stage_name=deployed, stage=stage, limit=options.waf_requests)
        self.key_ids = usage_plans(self, api_id, deployed, stage, options) if options.needs_key else {}
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


def _settings(options: Options) -> dict[str, Any]:
    """What the API is told of itself; a change takes effect with the next deployment."""
    settings = {"BinaryMediaTypes": BINARY_MEDIA_TYPES, "EndpointConfiguration": {"Types": ["REGIONAL"]}, **TLS}
    return settings | ({"DisableExecuteApiEndpoint": True} if options.domain else {})


def _shown(scope: Construct, api_id: str, options: Options, users: UserPool | None) -> dict[str, Any]:
    """What every method asks to be shown."""
    shown: dict[str, Any] = {
        "AuthorizationType": AUTHORIZATION_TYPES[options.auth],
        "ApiKeyRequired": options.needs_key,
    }
    if users is not None:
        shown["AuthorizerId"] = users.authorizer(scope, api_id)
    return shown


def _paths(scope: Construct, api_id: str, root_id: str, routes: Routes) -> dict[str, str]:
    """The id of the resource of each route, and of the paths that lead there."""
    ids = {"": root_id}
    for _, route in routes:
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


def _method(scope: Construct, verb: str, route: str, auth: Auth, **properties: Any) -> None:
    method = _resource(scope, "Method", f"{verb} {route}", HttpMethod=verb, **properties)
    if auth == "api-key":
        for rule in ("APIG4", "COG4"):
            acknowledge(method, rule, "callers are programs with an API key, which every method asks for")
    elif auth == "iam":
        acknowledge(method, "COG4", "callers are programs with AWS credentials, which sign every request")


def _answers(auth: Auth) -> dict[str, Any]:
    return {name: (e.status, e.retry_after_s, template(e)) for name, e in errors(auth).items()}


def _page(options: Options) -> list[Any]:
    """What is told to a page, as far as it is known here."""
    return [options.page_domain or "page", readable_from(""), REQUEST_HEADERS] if options.page else []


def _deployment(scope: Construct, api_id: str, definition: Construct, asked: Sequence[Any]) -> str:
    """The id of a snapshot of `definition`, which `asked` is all of.

    API Gateway serves only those, so a change must change its name too.
    """
    content = json.dumps(asked, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    deployment = _resource(scope, "Deployment", f"Deployment{digest}", RestApiId=api_id)
    deployment.node.add_dependency(definition)
    return deployment.ref


def _stage(scope: Construct, api: CfnResource, deployment_id: str, stage: Stage, options: Options) -> str:
    """The name of the stage, for those that need it deployed."""
    log = log_group(scope, "AccessLog", stage=stage)
    line = ACCESS_LOG | CALLERS_IN_LOG[options.auth]
    limits = {"ThrottlingRateLimit": stage.requests_per_second, "ThrottlingBurstLimit": stage.burst_requests}
    deployed = _resource(
        scope,
        "Stage",
        RestApiId=api.ref,
        DeploymentId=deployment_id,
        StageName=stage.name,
        AccessLogSetting={"DestinationArn": arn("logs", f"log-group:{log.ref}"), "Format": json.dumps(line)},
        MethodSettings=[{"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": True, **limits}],
        TracingEnabled=stage.is_traced,
    )
    if not options.waf:
        acknowledge(
            deployed, "APIG3", "every caller is known and throttled; a web ACL, by option, is billed by the month"
        )
    acknowledge(deployed, "APIG6", "the access log has a line for each call; execution logs hold what clients wrote")
    deployed.add_resource_dependency(GatewayLogging(scope, "Logging", api=api).setting)
    return deployed.ref
