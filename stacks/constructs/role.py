"""IAM roles: who may be what, and may do exactly what."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

Statement = Mapping[str, Any]


def role(
    scope: Construct, id: str, *, service: str, statements: Sequence[Statement], acts_for: str = ""
) -> CfnResource:
    """A role that `service` assumes and that allows `statements`; with `acts_for`, only on behalf of such an ARN.

    The policy is inside the role, not attached after it: whoever refers to the role has to wait for both.
    """
    trust: dict[str, Any] = {"Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if acts_for:
        trust["Condition"] = {"ArnLike": {"aws:SourceArn": acts_for}}
    return CfnResource(
        scope,
        id,
        type="AWS::IAM::Role",
        properties={
            "AssumeRolePolicyDocument": _allowing([trust]),
            "Policies": [{"PolicyName": "Permissions", "PolicyDocument": _allowing(statements)}],
        },
    )


def _allowing(statements: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
