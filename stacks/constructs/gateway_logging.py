"""API Gateway's permission to write access logs: one setting for the whole account and region.

A stage with access logs cannot be deployed where this is missing ("CloudWatch Logs role ARN must be
set in account settings"), so a fresh account needs it. Because every API of the account then writes
through it, it allows any log group, and it stays when the stack goes: neither another stage nor
another team loses its logs with us.
"""

from aws_cdk import CfnResource, RemovalPolicy
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.role import role
from stacks.naming import arn, attribute

# AmazonAPIGatewayPushToCloudWatchLogs, the AWS-managed policy for this, less the reading of logs.
_ACTIONS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
]


class GatewayLogging(Construct):
    """The account's setting. Offers `setting`, which a stage with access logs has to wait for."""

    def __init__(self, scope: Construct, id: str, *, api: CfnResource) -> None:
        super().__init__(scope, id)
        statements = [{"Action": _ACTIONS, "Resource": arn("logs", "*")}]
        writer = role(self, "Role", service="apigateway.amazonaws.com", statements=statements)
        acknowledge(writer, "IAM5[Resource::arn:", "every API of the account writes its logs through this one role")
        self.setting = CfnResource(
            self,
            "Setting",
            type="AWS::ApiGateway::Account",
            properties={"CloudWatchRoleArn": attribute(writer, "Arn")},
        )
        self.setting.add_resource_dependency(api)  # an account that never had an API has no such setting yet
        for resource in (writer, self.setting):
            resource.apply_removal_policy(RemovalPolicy.RETAIN)
