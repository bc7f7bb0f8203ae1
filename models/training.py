"""The [training] table of model.toml: when the model is trained anew, on what, and who has to agree to the result.

With the table, a stage has a state machine for the model, which docs/retraining.md describes.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from models.capture import BucketName
from models.instances import InstanceType, has_gpu, is_graviton
from models.table import Table
from models.vpc import Vpc

NEVER = "none"
HELD_OUT = "held-out"
"""The folder of the data that no training sees, and every evaluation asks about."""

REFUSED_BY_TRAINING = {
    "data": "the data lie in the bucket below data/, under the model's name; name another with bucket",
    "instance_count": "a training runs on one instance; choose a larger instance_type",
    "max_wait": "call it max_wait_s",
    "max_run": "call it max_run_s",
    "image": "the image is built from the model's container; remove it",
}

_RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
_CRON = re.compile(r"cron\(\S+( \S+){5}\)")


def _schedule(value: str) -> str:
    if value != NEVER and not _RATE.fullmatch(value) and not _CRON.fullmatch(value):
        raise ValueError(f'{value!r} does not fit; give such as "rate(7 days)", "cron(0 3 ? * SUN *)", or "none"')
    return value


def _channels(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", value):
            raise ValueError(f"{value!r} does not fit; give lower case letters, digits and hyphens")
        if value == HELD_OUT:
            raise ValueError(f"{HELD_OUT} is what no training may see; remove it")
    if len(set(values)) != len(values) or not 1 <= len(values) <= 20:
        raise ValueError(f"give 1 to 20 of them, each once, not {len(values)}")
    return values


class Training(Table):
    """Trains the model anew, on a schedule or when there is new data, and serves the result where it is no worse.

    It is compared with the model that serves, on the same held-out examples, and takes its place by an update of the
    model's stack. Endpoints of `kind = "lambda"` have the model in their image and keep the one of the last `cdk
    deploy`.
    """

    instance_type: InstanceType = Field(
        "ml.m5.xlarge",
        description="What trains and evaluates: a SageMaker training instance type, x86_64 and without a GPU, for "
        "which the training image has no libraries.",
    )
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = Field(
        30, description="1 to 16384: room for the data, the checkpoints and the model, in GB."
    )
    max_run_s: Annotated[int, Field(ge=60, le=2_419_200)] = Field(
        86_400, description="A training that takes longer is stopped: 60 to 2419200, 28 days."
    )
    spot: bool = Field(
        True,
        description="Whether to train on spare capacity, at a fraction of the price. AWS takes it back when it is "
        "needed; the training goes on from its last checkpoint.",
    )
    max_wait_s: Annotated[int, Field(ge=60, le=2_419_200)] | None = Field(
        None,
        description="Only with `spot`: the longest that waiting and training together may take. By default twice "
        "`max_run_s`.",
    )
    bucket: BucketName | None = Field(
        None,
        description="The name of a bucket of this account and region, without `s3://`, for data, checkpoints, models "
        "and evaluations. Without it a stack of the stage makes one.",
    )
    channels: Annotated[tuple[str, ...], AfterValidator(_channels)] = Field(
        ("training",), description="The folders of the data that the training is given, each as a channel of that name."
    )
    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        "rate(7 days)", description="When to train: a schedule expression of EventBridge, or `none`."
    )
    on_new_data: bool = Field(
        False,
        description="Whether to train as well when the object `_SUCCESS` is written into the data's folder, after all "
        "others. A bucket of yours must send its events to EventBridge.",
    )
    tolerance: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.01, description="How much worse than the current model, in each gated measure, is still good enough."
    )
    approval: Literal["always", "marginal"] = Field(
        "marginal",
        description="When a person has to agree: `always`, or where the measures leave it open whether the model "
        "is worse.",
    )
    approval_timeout_hours: Annotated[int, Field(ge=1, le=8760)] = Field(
        72, description="1 to 8760: when nobody has decided by then, the model is not deployed."
    )
    hyperparameters: dict[str, str] = Field(
        default_factory=dict, description="A table of its own: what train.py reads, each value a string."
    )
    vpc: Vpc | None = Field(
        None, description="The network that the training stands in, a table as an endpoint's: `[training.vpc]`."
    )

    @property
    def most_wait_s(self) -> int:
        """When a spot training that has not ended is given up."""
        return self.max_wait_s or min(2 * self.max_run_s, 2_419_200)

    @field_validator("hyperparameters")
    @classmethod
    def _fit_sagemaker(cls, values: dict[str, str]) -> dict[str, str]:
        if len(values) > 100:
            raise ValueError(f"SageMaker takes 100, not {len(values)}; remove some")
        for name, value in values.items():
            if not name or len(name) > 256 or len(value) > 2500:
                raise ValueError(f"{name!r}: SageMaker takes names to 256 and values to 2500 characters; shorten it")
        return values

    @model_validator(mode="after")
    def _waits_for_spot_alone(self) -> Self:
        if self.max_wait_s is None:
            return self
        if not self.spot:
            raise ValueError("max_wait_s: only spot capacity is waited for; remove it, or set spot = true")
        if self.max_wait_s < self.max_run_s:
            raise ValueError(
                f"max_wait_s: {self.max_wait_s} has the training in it, but is below max_run_s {self.max_run_s}; "
                "raise it"
            )
        return self

    @model_validator(mode="after")
    def _instance_can_train(self) -> Self:
        if is_graviton(self.instance_type):
            raise ValueError(
                f"instance_type: {self.instance_type} has a Graviton CPU, and the training image is built for x86_64; "
                "choose such as ml.m5.xlarge"
            )
        if has_gpu(self.instance_type):
            raise ValueError(
                f"instance_type: {self.instance_type} has a GPU, which would be paid for and not used: the training "
                "image computes on CPUs; choose such as ml.m5.4xlarge"
            )
        return self
