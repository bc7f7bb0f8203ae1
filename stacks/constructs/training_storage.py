"""Where a model's data lie and what its trainings make: one layout, below the model's name in one bucket.

<model>/data/<channel>/…      uploaded by people, and data/held-out/… for evaluations alone
<model>/data/_SUCCESS         written after all others, where new data start a training
<model>/checkpoints/<run>/    of a training that spot capacity may interrupt
<model>/models/<run>/output/model.tar.gz
<model>/evaluations/<run>/evaluation.json
"""

from dataclasses import dataclass
from typing import Literal

from models.registry import Model
from stacks.naming import PARTITION, training_bucket
from stacks.stage import Stage

Part = Literal["data", "checkpoints", "models", "evaluations"]
MARKER = "_SUCCESS"
EVALUATION = "evaluation.json"


@dataclass(frozen=True, slots=True)
class TrainingStorage:
    """The part of `bucket` that is `model`'s."""

    bucket: str
    model: str

    @property
    def bucket_arn(self) -> str:
        """Of the whole bucket."""
        return f"arn:{PARTITION}:s3:::{self.bucket}"

    def key(self, part: Part, *below: str) -> str:
        """`face-mask/data/`, or `face-mask/data/training`."""
        return "/".join([self.model, part, *below]) + ("" if below else "/")

    def uri(self, part: Part, *below: str) -> str:
        """The same with its bucket, as SageMaker wants it."""
        return f"s3://{self.bucket}/{self.key(part, *below)}"

    def objects_arn(self, part: Part) -> str:
        """Every object of a part."""
        return f"{self.bucket_arn}/{self.key(part)}*"


def training_storage(model: Model, stage: Stage) -> TrainingStorage:
    """Of a model with a [training] table."""
    given = model.spec.training
    return TrainingStorage((given and given.bucket) or training_bucket(stage), model.spec.name)
