"""Which archive a model's endpoints serve: the assembly's own, until a training has made one that takes its place.

The archive is a parameter of the model's stack, so that a training changes what is served as a deployment would, with
the endpoints' rollout, and a later `cdk deploy` keeps it: the CDK command passes on the parameters that a stack has.
"""

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, Fn, Token
from constructs import Construct

from stacks.constructs.role import Statement
from stacks.constructs.training_storage import TrainingStorage

PARAMETER, OUTPUT = "ModelArchive", "ServedArchive"
DEPLOYED = "s3://deployed"
"""The archive of the deployment, as the parameter says it: not empty, since CDK holds a default to the form that
SageMaker asks of an archive's address."""

RETRAINED = "the archives that this model's trainings make, each in a folder of its own"


def served_archive(scope: Construct, own: str) -> str:
    """The address of the archive that the parameter names; `own` where it names none."""
    given = CfnParameter(
        scope,
        PARAMETER,
        default=DEPLOYED,
        allowed_pattern=rf"{DEPLOYED}|s3://[a-z0-9][a-z0-9.-]+/\S+\.tar\.gz",
        constraint_description=f"the address of a model.tar.gz in S3, or {DEPLOYED}, for the one of the deployment",
        description=f"The archive that a training made; {DEPLOYED}: the one that was deployed.",
    )
    is_given = CfnCondition(
        scope, f"{PARAMETER}Given", expression=Fn.condition_not(Fn.condition_equals(given.value_as_string, DEPLOYED))
    )
    served = Token.as_string(Fn.condition_if(is_given.logical_id, given.value_as_string, own))
    CfnOutput(scope, OUTPUT, value=served, description="The archive that the endpoints serve.")
    return served


def read_retrained(storage: TrainingStorage) -> Statement:
    """What the endpoints' role needs for them."""
    return {"Action": "s3:GetObject", "Resource": storage.objects_arn("models")}
