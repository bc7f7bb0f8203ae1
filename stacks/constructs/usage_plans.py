"""API keys, each inside a plan of its own that says how much may be asked with it."""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.options import Options
from stacks.stage import Stage


def usage_plans(scope: Construct, api_id: str, stage_name: str, stage: Stage, options: Options) -> dict[str, str]:
    """The id of the key of each caller; where none is listed, of a first key for anybody, by the name "".

    A key's value is made by AWS and stands in no template: whoever may read it asks API Gateway.
    """
    served = [{"ApiId": api_id, "Stage": stage_name}]
    if not options.callers:
        return {"": _key(scope, f"Fovea {stage.name}: a first key.", served, _a_day(stage.requests_per_day))}
    return {
        caller.name: _key(
            Construct(scope, f"Caller {caller.name}"),
            f"Fovea {stage.name}: {caller.name}.",
            served,
            _a_day(caller.requests_per_day),
            Throttle={"RateLimit": caller.requests_per_second, "BurstLimit": caller.burst_requests},
        )
        for caller in options.callers
    }


def _a_day(requests: int) -> dict[str, Any]:
    return {"Limit": requests, "Period": "DAY"}


def _key(scope: Construct, described: str, served: list[Any], quota: dict[str, Any], **plan: Any) -> str:
    plan_id = _resource(scope, "UsagePlan", ApiStages=served, Quota=quota, **plan).ref
    key_id = _resource(scope, "ApiKey", Enabled=True, Description=described).ref
    _resource(scope, "UsagePlanKey", KeyId=key_id, KeyType="API_KEY", UsagePlanId=plan_id)
    return key_id


def _resource(scope: Construct, kind: str, **properties: Any) -> CfnResource:
    return CfnResource(scope, kind, type=f"AWS::ApiGateway::{kind}", properties=properties)
