"""Where jobs are kept: what is uploaded for asynchronous endpoints, and what they make of it."""

from aws_cdk import CfnOutput
from constructs import Construct

from models.endpoints import AsyncEndpoint
from models.registry import Model
from stacks.constructs.jobs_bucket import jobs_bucket
from stacks.naming import JOBS, inputs_bucket, results_bucket
from stacks.stage import Stage
from stacks.stage_stack import StageStack

INPUT_DAYS = 1  # longer than a job may wait (SageMaker, RequestTTLSeconds: six hours) and work (an hour)


def takes_jobs(model: Model) -> bool:
    """Whether one of its endpoints is asynchronous."""
    return any(isinstance(endpoint, AsyncEndpoint) for endpoint in model.spec.endpoints.values())


class JobsStack(StageStack):
    """`Fovea-<stage>-jobs`. The others know its buckets by name alone; no asynchronous endpoint, no stack."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(scope, stage, JOBS, "the buckets of asynchronous jobs.")
        inputs = jobs_bucket(
            self, "Inputs", name=inputs_bucket(stage), expiration_days=INPUT_DAYS, stage=stage, takes_forms=True
        )
        results = jobs_bucket(
            self, "Results", name=results_bucket(stage), expiration_days=stage.job_retention_days, stage=stage
        )
        first = "CloudFormation deletes no bucket that holds something; before that: aws s3 rm --recursive s3://<this>"
        CfnOutput(self, "InputsBucket", value=inputs.ref, description=f"Uploads, for a day. {first}")
        CfnOutput(
            self,
            "ResultsBucket",
            value=results.ref,
            description=f"Results, for {stage.job_retention_days} days. {first}",
        )
