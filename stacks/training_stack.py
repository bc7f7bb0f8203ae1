"""Where the models of a stage are trained from: the bucket of their data and of what comes of them."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput
from constructs import Construct

from models.registry import Model
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.private_bucket import policy_of, private_bucket
from stacks.constructs.training_storage import training_storage
from stacks.naming import TRAINING, training_bucket
from stacks.stage import Stage
from stacks.stage_stack import StageStack

CHECKPOINT_DAYS = 30  # the longest training takes 28


class TrainingStack(StageStack):
    """`Fovea-<stage>-training`. The others know its bucket by name alone; no model that needs it, no stack."""

    def __init__(self, scope: Construct, *, models: Sequence[Model], stage: Stage) -> None:
        super().__init__(scope, stage, TRAINING, "the bucket of the models' trainings.")
        rules = [_forgotten(training_storage(model, stage).key("checkpoints")) for model in models]
        bucket = private_bucket(
            self,
            "Bucket",
            name=training_bucket(stage),
            LifecycleConfiguration={"Rules": rules},
            NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        )
        bucket.apply_removal_policy(stage.removal_policy)
        acknowledge(bucket, "S1", "who trained what, on which data, the registry and the executions' history say")
        policy_of(self, "BucketPolicy", bucket)
        CfnOutput(
            self,
            "TrainingBucket",
            value=bucket.ref,
            description="Data, checkpoints, models and evaluations, below each model's name (docs/retraining.md).",
        )


def needs_bucket(model: Model) -> bool:
    """Whether the model is trained from a bucket that nobody has given."""
    return model.spec.training is not None and model.spec.training.bucket is None


def _forgotten(prefix: str) -> dict[str, Any]:
    return {
        "Id": prefix.partition("/")[0],
        "Prefix": prefix,
        "Status": "Enabled",
        "ExpirationInDays": CHECKPOINT_DAYS,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
