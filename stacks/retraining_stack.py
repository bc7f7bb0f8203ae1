"""What trains one model anew, decides on the result, and has the model's stack serve it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, CfnResource
from constructs import Construct

from models.archive import SPEC_NAME
from models.endpoints import LambdaEndpoint
from models.registry import Model
from models.samples import samples
from models.spec import SpecError
from models.training import Training
from stacks.constructs.alarms import FAILING, SLOW, WAITING, watched_at
from stacks.constructs.job_role import job_role
from stacks.constructs.model_archive import ModelArchive
from stacks.constructs.model_image import ImageKind, ModelImage, TrainingImage
from stacks.constructs.retraining import Retraining
from stacks.constructs.retraining_functions import RetrainingFunctions
from stacks.constructs.retraining_machine import state_machine
from stacks.constructs.retraining_triggers import triggers
from stacks.constructs.topic import topic
from stacks.constructs.training_storage import training_storage
from stacks.naming import attribute, endpoint_name, job_prefix, retraining_part
from stacks.stage import Stage
from stacks.stage_stack import StageStack

TRAINER = "train.py"


class RetrainingStack(StageStack):
    """`Fovea-<stage>-<model>-training`, of a model with a [training] table. It knows the other stacks by name alone."""

    def __init__(self, scope: Construct, *, model: Model, training: Training, stage: Stage, root: Path) -> None:
        name, jobs = model.spec.name, job_prefix(stage, model.spec.name)
        super().__init__(scope, stage, retraining_part(name), f"the training of {name}.", model=name)
        storage = training_storage(model, stage)
        image = TrainingImage(self, "TrainingImage", root=root, model=model)
        told = topic(self, "Trained", name=f"{jobs}-training", title=f"Fovea {stage.name} {name}")
        group = {"ModelPackageGroupName": jobs, "ModelPackageGroupDescription": model.spec.model.description}
        CfnResource(self, "Registry", type="AWS::SageMaker::ModelPackageGroup", properties=group)
        role = job_role(
            self,
            storage=storage,
            served=ModelArchive(self, "Archive", root=root, model=model).object_arn,
            repository_arn=image.repository_arn,
            jobs=jobs,
            vpc=training.vpc,
        )
        of: dict[str, Any] = {"model": model, "training": training, "stage": stage, "storage": storage}
        functions = RetrainingFunctions(self, "Functions", root=root, topic_arn=told.arn, **of)
        machine_arn = state_machine(
            self,
            Retraining(
                **of,
                image=image,
                serving_image_uri=ModelImage(self, "Image", root=root, model=model, kind=_served_by(model)).uri,
                job_role_arn=attribute(role, "Arn"),
                functions=functions.functions,
                alarms=_alarms(model, stage) if stage.is_watched else (),
            ),
        )
        triggers(self, training, storage, machine_arn)
        self._say(machine_arn, told.arn, storage.uri("data"))

    def _say(self, machine_arn: str, topic_arn: str, data: str) -> None:
        train = "To train now: aws stepfunctions start-execution --state-machine-arn <this>"
        subscribe = "To be told: aws sns subscribe --protocol email --notification-endpoint YOU --topic-arn <this>"
        CfnOutput(self, "StateMachineArn", value=machine_arn, description=train)
        CfnOutput(self, "TrainingTopicArn", value=topic_arn, description=subscribe)
        CfnOutput(self, "TrainingData", value=data, description="Where the data are read from, a folder for a channel.")


def trains(model: Model) -> Training | None:
    """How the model is trained; None for one that is not, or that has no endpoint which takes its model from S3."""
    reached = any(not isinstance(each, LambdaEndpoint) for each in model.spec.endpoints.values())
    return model.spec.training if reached else None


def refuse_untrainable(models: Sequence[Model]) -> None:
    """Raises SpecError for a model with a [training] table but without what trains it or what can be sent to it."""
    faults = []
    for model in models:
        missing = [] if model.spec.training is None else [_missing_trainer(model), _missing_sample(model)]
        file = f"models/{model.folder.name}/{SPEC_NAME}"
        faults += [f"{file}: training: {fault}" for fault in missing if fault]
    if faults:
        raise SpecError(faults)


def _missing_trainer(model: Model) -> str:
    there = (model.folder / TRAINER).is_file()
    return "" if there else f"there is no {TRAINER} beside it; add one (docs/training.md), or remove the table"


def _missing_sample(model: Model) -> str:
    return "" if samples(model) else "samples/ has nothing that could be sent to try a new model; add a sample there"


def _served_by(model: Model) -> ImageKind:
    """The image of the first endpoint that has its model from S3."""
    name = next(name for name, each in model.spec.endpoints.items() if not isinstance(each, LambdaEndpoint))
    return ImageKind(model.spec.accelerator(name), model.spec.endpoints[name].architecture)


def _alarms(model: Model, stage: Stage) -> Sequence[str]:
    """Of the endpoints that a training reaches, in the stack that watches the stage."""
    watched = [
        each
        for name, settings in model.spec.endpoints.items()
        if not isinstance(settings, LambdaEndpoint)
        for each in watched_at(endpoint_name(stage, model.spec, name), settings)
    ]
    return [f"{each.name}-{how}" for each in watched for how in (FAILING, WAITING if each.queue else SLOW)]
