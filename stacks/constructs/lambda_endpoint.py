"""One Lambda function that is an endpoint: the model and its server in one image, a name, a log and a URL."""

from typing import Any

from aws_cdk import CfnOutput, CfnResource
from constructs import Construct

from models.endpoints import LambdaEndpoint as Settings
from stacks.constructs.endpoint import server_environment
from stacks.constructs.log_group import log_group, writing_to
from stacks.constructs.role import role
from stacks.naming import attribute
from stacks.stage import Stage

_ALLOWED_HEADERS = ["accept", "content-type"]
_SIGNED_HEADERS = ["authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]  # of Signature V4
_EXPOSED_HEADERS = ["retry-after", "server-timing", "x-request-id"]


class LambdaEndpoint(Construct):
    """The function `name`, called by Invoke or its URL. Lambda itself pulls the image, so its role only writes logs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        settings: Settings,
        image_uri: str,
        engine: str | None,
        stage: Stage,
    ) -> None:
        super().__init__(scope, id)
        log = log_group(self, "Log", stage=stage)
        properties = {
            "FunctionName": name,
            "PackageType": "Image",
            "Code": {"ImageUri": image_uri},
            "Environment": {"Variables": server_environment(settings.timeout_s, engine)},
            "Role": _role(self, log),
            "LoggingConfig": {"LogGroup": log.ref, "LogFormat": "JSON"},
            **_resources(settings),
        }
        function = CfnResource(self, "Function", type="AWS::Lambda::Function", properties=properties)
        arn = attribute(function, "Arn")
        url = _url(self, settings, arn)
        if settings.auth == "none":
            _let_everybody_in(self, arn)
        CfnOutput(self, "EndpointName", value=name, description=f"Name of the {settings.kind} endpoint.")
        CfnOutput(
            self,
            "Url",
            value=attribute(url, "FunctionUrl"),
            description="The function's address: POST a picture there"
            + (" (signed, by Signature V4, for lambda)." if settings.auth == "iam" else "."),
        )


def _role(scope: Construct, log: CfnResource) -> str:
    return attribute(role(scope, "Role", service="lambda.amazonaws.com", statements=[writing_to(log)]), "Arn")


def _resources(settings: Settings) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "Architectures": [settings.architecture],
        "MemorySize": settings.memory_mb,
        "EphemeralStorage": {"Size": settings.ephemeral_storage_mb},
        "Timeout": settings.timeout_s,
    }
    if settings.reserved_concurrency is not None:
        properties["ReservedConcurrentExecutions"] = settings.reserved_concurrency
    return properties


def _url(scope: Construct, settings: Settings, function_arn: str) -> CfnResource:
    signed = settings.auth == "iam"
    properties: dict[str, Any] = {"TargetFunctionArn": function_arn, "AuthType": "AWS_IAM" if signed else "NONE"}
    if settings.cors:
        properties["Cors"] = {
            "AllowOrigins": list(settings.cors),
            "AllowMethods": ["GET", "POST"],
            "AllowHeaders": _ALLOWED_HEADERS + (_SIGNED_HEADERS if signed else []),
            "ExposeHeaders": _EXPOSED_HEADERS,
        }
    return CfnResource(scope, "FunctionUrl", type="AWS::Lambda::Url", properties=properties)


def _let_everybody_in(scope: Construct, function_arn: str) -> None:
    """Both permissions: a URL made since October 2025 also needs the second, which opens nothing but that URL."""
    _let_in(scope, "CallUrl", function_arn, Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    _let_in(scope, "CallThroughUrl", function_arn, Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)


def _let_in(scope: Construct, id: str, function_arn: str, **properties: Any) -> None:
    properties |= {"FunctionName": function_arn, "Principal": "*"}
    CfnResource(scope, id, type="AWS::Lambda::Permission", properties=properties)
