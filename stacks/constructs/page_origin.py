"""The page's origin, as the API's stack learns it.

The page needs the API's address and the API the page's origin, so one of them has to come first. The page does, and
leaves its origin in Systems Manager. The API's has it as a parameter of their template rather than as
`{{resolve:ssm:…}}` within: of that, CloudFormation would not see that the value is another.
"""

from aws_cdk import CfnParameter
from constructs import Construct

from stacks.naming import page_origin_parameter
from stacks.options import Options
from stacks.stage import Stage


def page_origin(scope: Construct, stage: Stage, options: Options) -> str:
    """`https://` and a name, known to CloudFormation; nothing where there is no page."""
    if not options.page:
        return ""
    return CfnParameter(
        scope,
        "PageOrigin",
        type="AWS::SSM::Parameter::Value<String>",
        default=page_origin_parameter(stage),
        description="Where the page's stack has left its origin.",
    ).value_as_string
