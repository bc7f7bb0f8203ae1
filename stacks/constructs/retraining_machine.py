"""The state machine that trains a model anew, and what its role may do: exactly what its states call."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.retraining import Retraining
from stacks.constructs.retraining_decision import decided
from stacks.constructs.retraining_jobs import found, trained
from stacks.constructs.retraining_update import deployed
from stacks.constructs.role import Statement, role
from stacks.constructs.states import States, failure
from stacks.naming import arn, attribute

FAILURES = {
    "DataUnusable": "",
    "ImageMissing": "The training's image is not in its repository; deploy the stack again.",
    "ModelNotDeployed": "The model's stack is not deployed, or was before it had a [training] table; deploy it.",
    "TrainingFailed": "",
    "EvaluationFailed": "",
    "GateFailed": "",
    "CandidateWorse": "",
    "RegistrationFailed": "The registry could not be told; nothing has changed.",
    "ApprovalFailed": "Nobody could be asked; nothing has changed.",
    "ApprovalRejected": "",
    "ApprovalTimedOut": "Nobody has decided in time; nothing has changed.",
    "UpdateFailed": "The stack was not updated, and serves what it did; CloudFormation's events say more.",
    "SmokeTestFailed": "The former model serves again.",
    "AlarmRaised": "An alarm of the endpoints went off; the former model serves again.",
    "WatchFailed": "The new model serves, but its alarms could not be asked.",
    "RollbackFailed": "The former model may NOT be back: look at the model's stack.",
}
"""Each end of a run but the good one, and what is said of it beside its error."""

# Step Functions developer guide, "IAM policies for SageMaker": a job that has ended comes as an event, by such a rule.
_RULES = ("StepFunctionsGetEventsForSageMakerTrainingJobsRule", "StepFunctionsGetEventsForSageMakerProcessingJobsRule")
_JOBS = (("TrainingJob", "training-job"), ("ProcessingJob", "processing-job"))


def definition(of: Retraining) -> dict[str, Any]:
    """The machine, in the Amazon States Language. A stage without alarms does not watch them."""
    states: States = {**found(of), **trained(of), **decided(of), **deployed(of)}
    reached = {name for name in FAILURES if of.alarms or name not in ("AlarmRaised", "WatchFailed")}
    for name, said in FAILURES.items():
        states |= failure(name, of.functions.tell, said) if name in reached else {}
    return {
        "Comment": f"Trains {of.model.spec.name}, compares it with the model that serves, and deploys it.",
        "StartAt": "NameRun",
        "States": states,
    }


def state_machine(scope: Construct, of: Retraining) -> str:
    """The ARN of the machine of one model."""
    machine = CfnResource(
        scope,
        "Machine",
        type="AWS::StepFunctions::StateMachine",
        properties={
            "StateMachineName": f"{of.jobs}-training",
            "StateMachineType": "STANDARD",
            "RoleArn": attribute(_role(scope, of), "Arn"),
            "DefinitionString": json.dumps(definition(of)),  # CDK's own toJsonString drops null, which says "forget"
        },
    )
    acknowledge(machine, "SF1", "an execution's history has every event for 90 days, and a log would have tokens in it")
    acknowledge(machine, "SF2", "a run takes hours, and its history has the time of each state")
    return machine.ref


def _role(scope: Construct, of: Retraining) -> CfnResource:
    functions = of.functions
    invoked = [functions.inventory, functions.gate, functions.tell, functions.smoke]
    statements: list[Statement] = [
        {"Action": "lambda:InvokeFunction", "Resource": invoked},
        {"Action": "ecr:DescribeImages", "Resource": of.image.repository_arn},
        {
            "Action": ["cloudformation:DescribeStacks", "cloudformation:UpdateStack"],
            "Resource": arn("cloudformation", f"stack/{of.stack}/*"),
        },
        *_jobs(of),
        {
            "Action": ["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"],
            "Resource": [
                arn("sagemaker", f"model-package-group/{of.group}"),
                arn("sagemaker", f"model-package/{of.group}/*"),
            ],
        },
        *_alarms(of),
    ]
    made = role(
        scope,
        "MachineRole",
        service="states.amazonaws.com",
        acts_for=arn("states", f"stateMachine:{of.jobs}-training"),
        statements=statements,
    )
    acknowledge(
        made,
        "IAM5[Resource::arn:",
        "the jobs of this model, its entries in the registry and its stack's id, named later",
    )
    return made


def _jobs(of: Retraining) -> Sequence[Statement]:
    actions = [f"sagemaker:{verb}{kind}" for kind, _ in _JOBS for verb in ("Create", "Describe", "Stop")]
    return [
        {
            "Action": [*actions, "sagemaker:AddTags", "sagemaker:ListTags"],
            "Resource": [arn("sagemaker", f"{kind}/{of.jobs}-*") for _, kind in _JOBS],
        },
        {
            "Action": "iam:PassRole",
            "Resource": of.job_role_arn,
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
        {
            "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            "Resource": [arn("events", f"rule/{rule}") for rule in _RULES],
        },
    ]


def _alarms(of: Retraining) -> Sequence[Statement]:
    arns = [arn("cloudwatch", f"alarm:{name}") for name in of.alarms]
    return [{"Action": "cloudwatch:DescribeAlarms", "Resource": arns}] if arns else []
