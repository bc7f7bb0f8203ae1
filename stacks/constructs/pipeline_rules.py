"""What is to be said of the resources that CDK Pipelines makes: what cdk-nag finds in them, and what they lack."""

from collections.abc import Iterator

import aws_cdk
from aws_cdk import CfnResource, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from stacks.constructs.acknowledge import acknowledge

_POLICY, _PROJECT, _BUCKET = "AWS::IAM::Policy", "AWS::CodeBuild::Project", "AWS::S3::Bucket"
_OWN_KEY = (
    "what it makes is encrypted with AWS's own key of S3; one of KMS is a dollar a month, and guards nothing more"
)
_NO_LOG = "only the pipeline's own roles read the artifacts, which expire; a bucket for the log would need one too"
_ARTIFACTS = (
    "CDK Pipelines' own: any object of the one bucket of artifacts; streams and reports under the project's name"
)
_POLICIES = {  # a part of the path -> why its wildcards; the first that fits
    "/Smoke/": "the API's id is CloudFormation's choice, its stage and routes are exact; the rest is CDK's own",
    "/SelfMutation/": "CDK Pipelines' own: it becomes CDK's bootstrap roles, which a condition on tags tells apart",
    "/Assets/": "CDK Pipelines' own: one role is for every project that publishes, before their names are known",
    "/CodeBuildActionRole/": "",  # which has none
    "": _ARTIFACTS,
}


def acknowledge_generated(stack: Stack) -> None:
    """Says beside each resource of `stack`, those that it deploys aside, why it breaks a rule."""
    for resource in _resources(stack):
        kind = resource.cfn_resource_type
        if kind == _POLICY and (reason := _of_policy(f"/{resource.node.path}")):
            acknowledge(resource, "IAM5", reason)
        elif kind == _PROJECT:
            acknowledge(resource, "CB4", _OWN_KEY)
        elif kind == _BUCKET:
            acknowledge(resource, "S1", _NO_LOG)


def let_use_connection(pipeline: Construct, connection_arn: str) -> None:
    """The role that reads the repository may use a connection by AWS's new name for them too, which CDK leaves out."""
    for node in pipeline.node.find_all():
        if isinstance(node, iam.Role) and "/Source/" in node.node.path:
            use = iam.PolicyStatement(actions=["codeconnections:UseConnection"], resources=[connection_arn])
            node.add_to_policy(use)


def _resources(scope: IConstruct) -> Iterator[CfnResource]:
    for child in scope.node.children:
        if isinstance(child, CfnResource):
            yield child
        elif not isinstance(child, aws_cdk.Stage):
            yield from _resources(child)


def _of_policy(path: str) -> str:
    return next(reason for part, reason in _POLICIES.items() if part in path)
