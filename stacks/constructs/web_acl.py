"""A firewall before the API: AWS's managed rules, and a bound on what one address may send.

What it costs is in docs/auth.md. The rules see the first 16 KB of a body (AWS WAF developer guide, "Managing body
inspection size limits"), which here is part of a picture.
"""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.constructs.log_group import log_group
from stacks.naming import PARTITION, REGION, arn, attribute
from stacks.stage import PROJECT, Stage

# Only counted: a picture is larger than the 8 KB that the first allows, and its bytes or the XML of its metadata, with
# tags and addresses, now and then look like what the others search for. Nothing here reads a body but the decoder of
# its type. AWS says so of uploads too: re:Post, "Why does AWS WAF block my legitimate upload request?"
_COUNTED = ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY")

# AWSManagedRulesAnonymousIpList is not among them: it refuses the addresses of clouds, where callers run.
MANAGED: dict[str, tuple[str, ...]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesCommonRuleSet": _COUNTED,
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}
RATE_WINDOW_S = 300

# Written nowhere. The log's own RedactedFields would hide a header only where a rule names just that one.
_SECRET: tuple[dict[str, Any], ...] = (
    {
        "FieldType": "SINGLE_HEADER",
        "FieldKeys": ["authorization", "x-api-key", "x-amz-security-token", "cookie"],
    },
    {"FieldType": "QUERY_STRING"},
    {"FieldType": "BODY"},
)


class WebAcl(Construct):
    """A web ACL of the API's stage, and the log of what it refused."""

    def __init__(self, scope: Construct, id: str, *, api_id: str, stage_name: str, stage: Stage, limit: int) -> None:
        """`limit`: the requests that one address may send in RATE_WINDOW_S."""
        super().__init__(scope, id)
        name = f"{PROJECT}-{stage.name}"
        rules = [_rate(limit), *(_managed(group, counted) for group, counted in MANAGED.items())]
        acl = _resource(
            self,
            "WebACL",
            Name=name,
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            Rules=[rule | {"Priority": priority} for priority, rule in enumerate(rules)],
            DataProtectionConfig={"DataProtections": [{"Field": field, "Action": "SUBSTITUTION"} for field in _SECRET]},
            VisibilityConfig=_metrics(name),
        )
        acl_arn = attribute(acl, "Arn")
        stage_arn = f"arn:{PARTITION}:apigateway:{REGION}::/restapis/{api_id}/stages/{stage_name}"
        _resource(self, "WebACLAssociation", ResourceArn=stage_arn, WebACLArn=acl_arn)
        _log_refusals(self, acl_arn, stage)


def _rate(limit: int) -> dict[str, Any]:
    by_address = {"Limit": limit, "EvaluationWindowSec": RATE_WINDOW_S, "AggregateKeyType": "IP"}
    return {
        "Name": "TooManyFromOneAddress",
        "Action": {"Block": {}},
        "Statement": {"RateBasedStatement": by_address},
        "VisibilityConfig": _metrics("TooManyFromOneAddress"),
    }


def _managed(group: str, counted: tuple[str, ...]) -> dict[str, Any]:
    statement: dict[str, Any] = {"VendorName": "AWS", "Name": group}
    if counted:
        statement["RuleActionOverrides"] = [{"Name": rule, "ActionToUse": {"Count": {}}} for rule in counted]
    return {
        "Name": group,
        "OverrideAction": {"None": {}},
        "Statement": {"ManagedRuleGroupStatement": statement},
        "VisibilityConfig": _metrics(group),
    }


def _metrics(name: str) -> dict[str, Any]:
    """Numbers, but no samples of requests: those are of everybody, with their addresses."""
    return {"MetricName": name, "CloudWatchMetricsEnabled": True, "SampledRequestsEnabled": False}


def _log_refusals(scope: Construct, acl_arn: str, stage: Stage) -> None:
    """Only of what was refused, with the address and the rule: who was refused wrongly asks why."""
    log = log_group(scope, "Log", stage=stage, name=f"aws-waf-logs-{PROJECT}-{stage.name}")  # AWS wants that prefix
    blocked = {"ActionCondition": {"Action": "BLOCK"}}
    _resource(
        scope,
        "LoggingConfiguration",
        ResourceArn=acl_arn,
        LogDestinationConfigs=[arn("logs", f"log-group:{log.ref}")],
        LoggingFilter={
            "DefaultBehavior": "DROP",
            "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [blocked]}],
        },
    )


def _resource(scope: Construct, kind: str, **properties: Any) -> CfnResource:
    return CfnResource(scope, kind, type=f"AWS::WAFv2::{kind}", properties=properties)
