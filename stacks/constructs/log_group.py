"""Log groups, which keep their lines as long as the stage says."""

from aws_cdk import CfnResource
from constructs import Construct

from stacks.constructs.role import Statement
from stacks.naming import attribute
from stacks.stage import Stage


def log_group(scope: Construct, id: str, *, stage: Stage, name: str | None = None) -> CfnResource:
    """A log group; without `name`, CloudFormation finds one that no earlier stack has left behind."""
    properties = {"RetentionInDays": stage.log_retention_days} | ({"LogGroupName": name} if name else {})
    group = CfnResource(scope, id, type="AWS::Logs::LogGroup", properties=properties)
    group.apply_removal_policy(stage.removal_policy)
    return group


def writing_to(group: CfnResource) -> Statement:
    """What a Lambda function may do with the group that its LoggingConfig names."""
    return {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": attribute(group, "Arn")}
