"""What the state machine of a model's training has to know, in one value that its parts share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.registry import Model
from models.training import Training
from stacks.constructs.model_image import ContainerImage
from stacks.constructs.training_storage import TrainingStorage
from stacks.naming import job_prefix, stack_name
from stacks.stage import PROJECT, Stage

DIGEST = "$.image.found.ImageDigest"
_RUN = "$.run"
"""The path of a run's name, which its jobs and folders have."""


@dataclass(frozen=True, slots=True)
class Functions:
    """ARNs of the functions that do what AWS has no call for."""

    inventory: str
    gate: str
    tell: str
    smoke: str


@dataclass(frozen=True, slots=True)
class Retraining:
    """One model in one stage. `image` trains, `serving_image_uri` serves; `alarms` are those of its endpoints."""

    model: Model
    training: Training
    stage: Stage
    storage: TrainingStorage
    image: ContainerImage
    serving_image_uri: str
    job_role_arn: str
    functions: Functions
    alarms: Sequence[str]

    @property
    def jobs(self) -> str:
        """How a run's name begins."""
        return job_prefix(self.stage, self.model.spec.name)

    @property
    def stack(self) -> str:
        """The stack that has the model's endpoints."""
        return stack_name(self.stage, self.model.spec.name)

    @property
    def group(self) -> str:
        """The model's group in the registry."""
        return self.jobs

    @property
    def image_by_digest(self) -> str:
        """An intrinsic function: the image that was found, which its tag may name no longer tomorrow."""
        return f"States.Format('{self.image.repository_uri}@{{}}', {DIGEST})"

    def of_run(self, text: str) -> str:
        """An intrinsic function: `text` with the run's name for its `{}`."""
        return f"States.Format('{text}', {_RUN})"

    @property
    def tags(self) -> Sequence[dict[str, Any]]:
        """Of the jobs, by which AWS Budgets knows whose they are."""
        tags = {"project": PROJECT, "stage": self.stage.name, "model": self.model.spec.name}
        return [{"Key": key, "Value": value} for key, value in tags.items()]
