"""The names that stacks share instead of references, and the ARNs made of them."""

from aws_cdk import Aws, CfnResource, Token

from models.spec import ModelSpec
from stacks.stage import PROJECT, Stage

API = "api"

# Read once: each use of `Aws.` is a call to Node.
PARTITION, REGION, ACCOUNT, URL_SUFFIX = Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID, Aws.URL_SUFFIX


def stack_name(stage: Stage, part: str) -> str:
    """`Fovea-dev-diabetic-retinopathy`, or `Fovea-dev-api`."""
    return f"{PROJECT.capitalize()}-{stage.name}-{part}"


def endpoint_name(stage: Stage, spec: ModelSpec, endpoint: str) -> str:
    """`fovea-dev-diabetic-retinopathy-serverless`: what the model's stack creates and the API's stack invokes."""
    return f"{PROJECT}-{stage.name}-{spec.name}-{endpoint}"


def endpoint_log_group_name(endpoint: str) -> str:
    """Where SageMaker writes the container's output; the name is SageMaker's choice."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def arn(service: str, resource: str) -> str:
    """The ARN of `resource` in the account and region where the stack is deployed."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"


def endpoint_arn(endpoint: str) -> str:
    """The ARN of the SageMaker endpoint of that name."""
    return arn("sagemaker", f"endpoint/{endpoint}")


def attribute(resource: CfnResource, name: str) -> str:
    """What CloudFormation will know of `resource` once it is made."""
    return Token.as_string(resource.get_att(name))
