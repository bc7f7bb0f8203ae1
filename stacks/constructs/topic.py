"""SNS topics: whom to tell, and by TLS alone."""

from collections.abc import Sequence
from typing import NamedTuple

from aws_cdk import CfnResource
from constructs import Construct

from stacks.constructs.role import Statement


class Topic(NamedTuple):
    """A topic's ARN, and the policy that whoever publishes has to wait for."""

    arn: str
    policy: CfnResource


def topic(scope: Construct, id: str, *, name: str, title: str, publishers: Sequence[Statement] = ()) -> Topic:
    """The topic `name`. `publishers` may tell it something, beside the roles of this account that are allowed to."""
    properties = {"TopicName": name, "DisplayName": title}
    made = CfnResource(scope, id, type="AWS::SNS::Topic", properties=properties)
    publish = {"Action": "sns:Publish", "Resource": made.ref}
    only_by_tls = {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        **publish,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    statements = [only_by_tls, *({"Effect": "Allow", **publish, **publisher} for publisher in publishers)]
    policy = CfnResource(
        scope,
        f"{id}Policy",
        type="AWS::SNS::TopicPolicy",
        properties={
            "Topics": [made.ref],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    )
    return Topic(made.ref, policy)
