"""Where a rule of cdk-nag (AwsSolutions) is not followed, and why: said beside the resource that breaks it.

A test runs the rules on every stack's template, and holds that each finding is acknowledged and each acknowledgement
needed.
"""

from aws_cdk import CfnResource

METADATA = "fovea:acknowledged"


def acknowledge(resource: CfnResource, rule: str, reason: str) -> None:
    """`rule` is a finding without its prefix, or the beginning of one, such as `IAM5[Resource::*]`."""
    resource.node.add_metadata(METADATA, {"rule": rule, "reason": reason})
