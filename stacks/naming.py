"""The names that stacks share instead of references, and the ARNs made of them."""

from aws_cdk import Aws, CfnResource, Token

from models.spec import ModelSpec
from stacks.stage import PROJECT, Stage

API, WATCH, JOBS, PAGE, TRAINING = "api", "watch", "jobs", "page", "training"

# Read once: each use of `Aws.` is a call to Node.
PARTITION, REGION, ACCOUNT, URL_SUFFIX = Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID, Aws.URL_SUFFIX


def stack_name(stage: Stage, part: str) -> str:
    """`Fovea-dev-diabetic-retinopathy`, or `Fovea-dev-api`."""
    return f"{PROJECT.capitalize()}-{stage.name}-{part}"


def endpoint_name(stage: Stage, spec: ModelSpec, endpoint: str) -> str:
    """`fovea-dev-diabetic-retinopathy-serverless`: what the model's stack creates and the API's stack invokes."""
    return f"{PROJECT}-{stage.name}-{spec.name}-{endpoint}"


def metrics_namespace(stage: Stage) -> str:
    """`Fovea/beta`: where CloudWatch keeps the proxy's own metrics."""
    return f"{PROJECT.capitalize()}/{stage.name}"


def alarm_topic(stage: Stage) -> str:
    """The topic that a watched stage's alarms tell."""
    return f"{PROJECT}-{stage.name}-alarms"


def endpoint_log_group_name(endpoint: str) -> str:
    """Where SageMaker writes the container's output; the name is SageMaker's choice."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def inputs_bucket(stage: Stage) -> str:
    """The bucket of what is uploaded for jobs. Its name is the whole world's, so account and region are in it."""
    return f"{PROJECT}-{stage.name}-inputs-{ACCOUNT}-{REGION}"


def results_bucket(stage: Stage) -> str:
    """The bucket of what jobs give, and of what is remembered of them."""
    return f"{PROJECT}-{stage.name}-results-{ACCOUNT}-{REGION}"


def training_bucket(stage: Stage) -> str:
    """The bucket of what models are trained on, where model.toml names none, and of what comes of it."""
    return f"{PROJECT}-{stage.name}-training-{ACCOUNT}-{REGION}"


def retraining_part(model: str) -> str:
    """`face-mask-training`: what the stack of a model's training is called in its stage."""
    return f"{model}-{TRAINING}"


def job_prefix(stage: Stage, model: str) -> str:
    """`fovea-dev-face-mask`: how the names of a model's jobs begin, and what its group in the registry is called."""
    return f"{PROJECT}-{stage.name}-{model}"


def page_bucket(stage: Stage) -> str:
    """The bucket of the page's files."""
    return f"{PROJECT}-{stage.name}-page-{ACCOUNT}-{REGION}"


def page_function(stage: Stage) -> str:
    """The function that the page's stack makes, and the API's stack has write the page's configuration."""
    return f"{PROJECT}-{stage.name}-page"


def page_origin_parameter(stage: Stage) -> str:
    """Where Systems Manager keeps the page's origin, which nobody knows before CloudFront has made it."""
    return f"/{PROJECT}/{stage.name}/page-origin"


def sign_in_prefix(stage: Stage) -> str:
    """The first part of the sign-in page's name, which no other pool of the region may have."""
    return f"{PROJECT}-{stage.name}-{ACCOUNT}"


def sign_in_address(stage: Stage) -> str:
    """Where Cognito signs people in and trades their code for tokens."""
    return f"https://{sign_in_prefix(stage)}.auth.{REGION}.amazoncognito.com"


def success_topic(endpoint: str) -> str:
    """The topic that is told of each job that an asynchronous endpoint has done."""
    return f"{endpoint}-success"


def error_topic(endpoint: str) -> str:
    """The topic that is told of each job that it could not do."""
    return f"{endpoint}-error"


def component_log_group_name(component: str) -> str:
    """The same, of an inference component."""
    return f"/aws/sagemaker/InferenceComponents/{component}"


def arn(service: str, resource: str) -> str:
    """The ARN of `resource` in the account and region where the stack is deployed."""
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"


def alarm_topic_arn(stage: Stage) -> str:
    """Its ARN."""
    return arn("sns", alarm_topic(stage))


def endpoint_arn(endpoint: str) -> str:
    """The ARN of the SageMaker endpoint of that name."""
    return arn("sagemaker", f"endpoint/{endpoint}")


def component_arn(component: str) -> str:
    """The ARN of the inference component of that name."""
    return arn("sagemaker", f"inference-component/{component}")


def distribution_arn(distribution: str) -> str:
    """The ARN of the CloudFront distribution of that id, which is of no region."""
    return f"arn:{PARTITION}:cloudfront::{ACCOUNT}:distribution/{distribution}"


def attribute(resource: CfnResource, name: str) -> str:
    """What CloudFormation will know of `resource` once it is made."""
    return Token.as_string(resource.get_att(name))
