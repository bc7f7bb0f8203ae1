"""The HTTPS API of one stage, in front of every model's endpoints."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Stack
from constructs import Construct

from models.registry import Model
from stacks.constructs.inference_api import InferenceApi
from stacks.constructs.proxy_function import ProxyFunction
from stacks.naming import API, stack_name
from stacks.stage import PROJECT, Stage


class ApiStack(Stack):
    """`Fovea-<stage>-api`. It knows the endpoints by name alone, and deploys before, after or without them."""

    def __init__(self, scope: Construct, *, models: Sequence[Model], stage: Stage, root: Path) -> None:
        super().__init__(
            scope,
            stack_name(stage, API),
            description=f"Fovea {stage.name}: the HTTPS API.",
            tags={"project": PROJECT, "stage": stage.name},
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),  # as in ModelStack
        )
        proxy = ProxyFunction(self, "Proxy", root=root, models=models, stage=stage)
        api = InferenceApi(self, "Api", function_arn=proxy.arn, stage=stage)
        CfnOutput(self, "ApiUrl", value=api.url, description="The API's address: GET <address>/models.")
        CfnOutput(
            self,
            "ApiKeyId",
            value=api.key_id,
            description="For the key itself: "
            "aws apigateway get-api-key --include-value --query value --output text --api-key <this id>",
        )
