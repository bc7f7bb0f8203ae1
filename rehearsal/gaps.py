"""What moto's CloudFormation lacks of these stacks' resources.

Where moto has the service but its CloudFormation has not the type, the type is handed to the service (BACKED). The rest
is accepted and does nothing (ACCEPTED), and is printed, for docs/rehearsal.md to list.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from moto.apigateway.models import apigateway_backends
from moto.applicationautoscaling import models as autoscaling
from moto.awslambda.models import lambda_backends
from moto.budgets.models import budgets_backends
from moto.cloudformation import parsing
from moto.cloudfront.models import cloudfront_backends
from moto.core.common_models import CloudFormationModel

Properties = Mapping[str, Any]
Attributes = dict[str, str]
"""What Ref and Fn::GetAtt give of a resource; `Ref` is its physical id."""


# moto knows one dimension of SageMaker's: neither an inference component's copies nor provisioned concurrency.
autoscaling._target_params_are_valid = lambda *_: True


def _scalable_target(given: Properties, account: str, region: str) -> Attributes:
    namespace, dimension, resource = (given[key] for key in ("ServiceNamespace", "ScalableDimension", "ResourceId"))
    autoscaling.applicationautoscaling_backends[account][region].register_scalable_target(
        namespace, resource, dimension, given["MinCapacity"], given["MaxCapacity"], "", {}
    )
    return {"Ref": f"{resource}|{dimension}|{namespace}"}


def _scaling_policy(given: Properties, account: str, region: str) -> Attributes:
    resource, dimension, namespace = given["ScalingTargetId"].split("|")
    policy = given[f"{given['PolicyType']}PolicyConfiguration"]
    made = autoscaling.applicationautoscaling_backends[account][region].put_scaling_policy(
        given["PolicyName"], namespace, resource, dimension, policy, given["PolicyType"]
    )
    return {"Ref": made.policy_arn}


def _stage(given: Properties, account: str, region: str) -> Attributes:
    apis = apigateway_backends[account][region]
    made = {"cacheClusterEnabled": False, "cacheClusterSize": "", "tags": {}, "tracing_enabled": False}
    deployment = getattr(given["DeploymentId"], "id", given["DeploymentId"])  # moto gives the deployment itself
    apis.create_stage(given["RestApiId"], given["StageName"], deployment, **made)
    return {"Ref": given["StageName"]}


def _function_url(given: Properties, account: str, region: str) -> Attributes:
    functions = lambda_backends[account][region]
    made = functions.create_function_url_config(given["TargetFunctionArn"], {"AuthType": given["AuthType"]})
    return {"Ref": given["TargetFunctionArn"], "FunctionUrl": made.url}


def _api_key(given: Properties, account: str, region: str) -> Attributes:
    made = {"description": given.get("Description"), "enabled": given.get("Enabled", False), "name": given.get("Name")}
    return {"Ref": apigateway_backends[account][region].create_api_key(made).id}


def _usage_plan(given: Properties, account: str, region: str) -> Attributes:
    stages = [{"apiId": each["ApiId"], "stage": each["Stage"]} for each in given["ApiStages"]]
    quota = {"limit": given["Quota"]["Limit"], "period": given["Quota"]["Period"]}
    plan = {"name": given.get("UsagePlanName", ""), "apiStages": stages, "quota": quota}
    return {"Ref": apigateway_backends[account][region].create_usage_plan(plan).id}


def _usage_plan_key(given: Properties, account: str, region: str) -> Attributes:
    key = {"keyId": given["KeyId"], "keyType": given["KeyType"]}
    made = apigateway_backends[account][region].create_usage_plan_key(given["UsagePlanId"], key)
    return {"Ref": f"{made.id}:{given['UsagePlanId']}"}


def _budget(given: Properties, account: str, _region: str) -> Attributes:
    name = "".join(tag["Tags"]["Values"][0] for tag in given["Budget"]["FilterExpression"]["And"])
    budget = {**given["Budget"], "BudgetName": name}
    budgets_backends[account]["aws"].create_budget(account, budget, given["NotificationsWithSubscribers"])
    return {"Ref": name}


def _distribution(given: Properties, account: str, _region: str) -> Attributes:
    config = given["DistributionConfig"]
    kept = {
        "CallerReference": str(uuid.uuid4()),
        "Comment": config["Comment"],
        "Enabled": config["Enabled"],
        "DefaultRootObject": config["DefaultRootObject"],
        "Origins": {"Items": [dict(origin) for origin in config["Origins"]]},
        "Aliases": {"Items": config.get("Aliases", [])},
        "DefaultCacheBehavior": {**config["DefaultCacheBehavior"], "AllowedMethods": {}},
    }
    made, _, _ = cloudfront_backends[account]["aws"].create_distribution(kept, [])
    return {"Ref": made.distribution_id, "DomainName": made.domain_name}


BACKED: dict[str, Callable[[Properties, str, str], Attributes]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _scaling_policy,
    "AWS::ApiGateway::ApiKey": _api_key,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::ApiGateway::UsagePlan": _usage_plan,
    "AWS::ApiGateway::UsagePlanKey": _usage_plan_key,
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::Lambda::Url": _function_url,
    "AWS::Budgets::Budget": _budget,
}


class Resource(CloudFormationModel):  # type: ignore[misc]  # moto has no types
    """One resource of a type that moto's CloudFormation does not know."""

    kind: str

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes

    @property
    def physical_resource_id(self) -> str:
        """What Ref gives."""
        return self._attributes["Ref"]

    def get_cfn_attribute(self, attribute: str) -> str:
        """What Fn::GetAtt gives."""
        return self._attributes.get(attribute, f"{self.physical_resource_id}.{attribute}")

    def is_created(self) -> bool:
        """At once."""
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        """None of them is named by a property."""
        return ""

    @classmethod
    def has_cfn_attr(cls, _attribute: str) -> bool:
        """Any."""
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> "Resource":
        """Made by the service behind it, if there is one."""
        make = BACKED.get(cls.kind)
        given = cloudformation_json.get("Properties", {})
        return cls(make(given, account_id, region_name) if make else {"Ref": resource_name})

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: "Resource", *_: Any, **__: Any) -> "Resource":
        """As it was."""
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        """Gone with what it belongs to."""


def accept(templates: Path) -> list[str]:
    """Makes moto take every type in `templates`; gives those that then have no effect."""
    found = {
        resource["Type"]
        for file in templates.glob("*.template.json")
        for resource in json.loads(file.read_text(encoding="utf-8"))["Resources"].values()
    }
    found = {kind for kind in found if not kind.startswith("Custom::")}  # rehearsal/custom_resources.py has them
    unknown = found - parsing.get_model_map().keys() - set(parsing.NULL_MODELS)
    for kind in unknown | BACKED.keys():
        body = {"kind": kind, "cloudformation_type": staticmethod(lambda kind=kind: kind), "__module__": __name__}
        parsing.get_model_map()[kind] = type("Unknown", (Resource,), body)
    return sorted((unknown - BACKED.keys()) | (found & set(parsing.NULL_MODELS)))
