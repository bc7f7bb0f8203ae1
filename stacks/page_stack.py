"""The page of one stage: its files in a bucket, CloudFront in front of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from aws_cdk import CfnOutput, CfnResource, RemovalPolicy
from constructs import Construct

from models.registry import Model
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.page_distribution import PageDistribution
from stacks.constructs.page_publisher import PagePublisher
from stacks.constructs.private_bucket import private_bucket
from stacks.naming import (
    PAGE,
    REGION,
    URL_SUFFIX,
    inputs_bucket,
    page_bucket,
    page_origin_parameter,
    sign_in_address,
)
from stacks.options import Options
from stacks.stage import Stage
from stacks.stage_stack import StageStack


class PageStack(StageStack):
    """`Fovea-<stage>-page`, for `page=on`. It comes before the API's, which answers to its origin."""

    def __init__(
        self, scope: Construct, *, models: Sequence[Model], stage: Stage, options: Options, root: Path
    ) -> None:
        super().__init__(scope, stage, PAGE, "the page.")
        bucket = private_bucket(self, "Bucket", name=page_bucket(stage))
        bucket.apply_removal_policy(RemovalPolicy.DESTROY)  # in every stage: a deployment makes all of it again
        acknowledge(bucket, "S1", "CloudFront alone reads it, and what it holds is for everybody who opens the page")
        reached = list(_reached(stage, options))
        cdn = PageDistribution(self, "Cdn", bucket=bucket, stage=stage, options=options, reached=reached)
        PagePublisher(
            self, "Publisher", root=root, models=models, stage=stage, bucket=bucket, distribution=cdn.resource
        )
        CfnResource(
            self,
            "Origin",
            type="AWS::SSM::Parameter",
            properties={
                "Name": page_origin_parameter(stage),
                "Type": "String",
                "Value": cdn.origin,
                "Description": f"Fovea {stage.name}: the origin of the page, which the API answers to.",
            },
        )
        CfnOutput(self, "PageUrl", value=f"{cdn.origin}/", description="The page. docs/page.md has more of it.")
        if options.page_domain:
            target = f"Make {options.page_domain} a CNAME of this."
            CfnOutput(self, "PageDomainTarget", value=cdn.domain_name, description=target)


def _reached(stage: Stage, options: Options) -> Iterator[str]:
    """Whom the page's scripts talk to.

    The API comes after the page, so unless its name is chosen, it is any of the region's. A script that could talk to
    another could do so only if it were not ours, and none but ours is run (script-src).
    """
    yield f"https://{options.domain}" if options.domain else f"https://*.execute-api.{REGION}.{URL_SUFFIX}"
    yield f"https://{inputs_bucket(stage)}.s3.{REGION}.{URL_SUFFIX}"
    if options.auth == "cognito":
        yield sign_in_address(stage)
