"""What a browser is told of the API before and after it lets a page of another origin, this one alone, call it.

A browser asks with OPTIONS first, without key or token. API Gateway answers that by itself: no function runs.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from contract.page import REQUEST_HEADERS, readable_from
from stacks.constructs.acknowledge import acknowledge

_REMEMBERED_S = 7200  # Chromium keeps it no longer


def preflight(scope: Construct, route: str, *, api_id: str, resource_id: str, verbs: str, origin: str) -> None:
    """OPTIONS of `route`, which has `verbs`."""
    headers = {
        **readable_from(origin),
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Allow-Methods": verbs,
        "Access-Control-Max-Age": str(_REMEMBERED_S),
    }
    told = {f"method.response.header.{name}": value for name, value in headers.items()}
    # With every type binary, API Gateway would take its own template for bytes and answer 500.
    as_text = {"ContentHandling": "CONVERT_TO_TEXT"}
    integration = {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": '{"statusCode": 204}'},
        "IntegrationResponses": [{"StatusCode": "204", "ResponseParameters": _quoted(told), **as_text}],
        **as_text,
    }
    method = CfnResource(
        scope,
        f"OPTIONS {route}",
        type="AWS::ApiGateway::Method",
        properties={
            "RestApiId": api_id,
            "ResourceId": resource_id,
            "HttpMethod": "OPTIONS",
            "AuthorizationType": "NONE",
            "ApiKeyRequired": False,
            "Integration": integration,
            "MethodResponses": [{"StatusCode": "204", "ResponseParameters": dict.fromkeys(told, False)}],
        },
    )
    acknowledge(method, "APIG4", "a browser asks this without key or token; the answer is the same for everybody")


def readable(origin: str) -> Mapping[str, Any]:
    """The parameters of a gateway response that the page may read: without, a refusal is a failure without words."""
    headers = readable_from(origin) if origin else {}
    return _quoted({f"gatewayresponse.header.{name}": value for name, value in headers.items()})


def _quoted(values: Mapping[str, str]) -> dict[str, str]:
    """As API Gateway has a value that stands for itself."""
    return {name: f"'{value}'" for name, value in values.items()}
