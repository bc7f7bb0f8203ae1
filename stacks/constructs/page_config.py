"""The page's config.json: where the API is, what it asks for, who signs people in, and the samples to try."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.registry import Model
from models.samples import listed
from stacks.constructs.user_pool import SCOPES, UserPool
from stacks.naming import arn, page_function, sign_in_address
from stacks.options import Options
from stacks.stage import Stage

_SHOWN = {"api-key": "key", "cognito": "token"}
_TIMEOUT_S = 300


def page_config(
    scope: Construct, *, url: str, users: UserPool | None, models: Sequence[Model], stage: Stage, options: Options
) -> CfnResource:
    """Has the function of the page's stack write it."""
    config: dict[str, Any] = {
        "api": url,
        "shows": [_SHOWN[word] for word in options.shown],
        "samples": {model.spec.name: listed(model) for model in models},
    }
    if users is not None:
        config["sign_in"] = {"address": sign_in_address(stage), "client_id": users.client_id, "scopes": SCOPES}
    return CfnResource(
        scope,
        "PageConfig",
        type="Custom::PageConfig",
        properties={
            "ServiceToken": arn("lambda", f"function:{page_function(stage)}"),
            "ServiceTimeout": str(_TIMEOUT_S),
            "Config": config,
        },
    )
