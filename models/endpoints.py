"""The [endpoints.NAME] tables of model.toml: where a model is served, with what AWS allows and refuses there.

Like models.spec it needs only pydantic and the standard library.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models.capture import REFUSED_BY_CAPTURE
from models.component import REFUSED_BY_COMPONENT
from models.drift import REFUSED_BY_DRIFT
from models.instances import Architecture, InstanceEndpoint
from models.realtime import RealtimeEndpoint
from models.rollout import REFUSED_BY_ROLLOUT
from models.table import Table
from models.training import REFUSED_BY_TRAINING
from models.variants import OWN, REFUSED_BY_VARIANT, Served
from models.vpc import REFUSED_BY_VPC

SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)

_ORIGIN = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


REFUSED_BY_SERVERLESS = {
    "instance_type": 'a serverless endpoint has neither instances nor a GPU; remove it, or set kind = "realtime"',
    "accelerator": 'a serverless endpoint has no GPU; remove it, or set kind = "realtime" with a GPU instance_type',
    "vpc": "SageMaker serverless has no VPC configuration; remove it",
    "data_capture": "SageMaker serverless has no data capture; remove it",
    "volume_kms_key_arn": 'a serverless endpoint has no volume to encrypt; remove it, or set kind = "realtime"',
    "variants": 'give each its own endpoint, or set kind = "realtime" for variants that share one; remove it',
    "scale_out_cooldown_s": 'a serverless endpoint has no instances to add; remove it, or set kind = "realtime"',
    "scale_in_cooldown_s": 'a serverless endpoint has no instances to remove; remove it, or set kind = "realtime"',
    "scale_to_zero": "a serverless endpoint always does; remove it",
    "rollout": "SageMaker shifts no traffic between serverless configurations; remove it",
    "architecture": 'SageMaker serverless runs x86_64 only; remove it, or set kind = "lambda" or kind = "realtime"',
}
REFUSED_BY_LAMBDA = {
    "instance_type": 'a Lambda function has neither instances nor a GPU; remove it, or set kind = "realtime"',
    "accelerator": 'a Lambda function has no GPU; remove it, or set kind = "realtime" with a GPU instance_type',
    "max_concurrency": "a Lambda function takes as many as the account allows; to bound it, set reserved_concurrency",
    "min_instances": "a Lambda function has no instances; remove it",
    "max_instances": "a Lambda function has no instances; to bound it, set reserved_concurrency",
    "target_invocations_per_instance": "a Lambda function scales by itself; remove it",
    "scale_out_cooldown_s": "a Lambda function scales by itself; remove it",
    "scale_in_cooldown_s": "a Lambda function scales by itself; remove it",
    "vpc": "a model needs nothing of the network, so its function has no VPC; remove it",
    "data_capture": 'a Lambda function has no data capture; remove it, or set kind = "realtime"',
    "provisioned_concurrency": "a Lambda endpoint keeps no servers started; remove it",
    "max_provisioned_concurrency": "a Lambda endpoint keeps no servers started; remove it",
    "variants": 'give each its own endpoint, or set kind = "realtime" for variants that share one; remove it',
    "scale_to_zero": "a Lambda function always does; remove it",
    "rollout": 'a Lambda function has no rollout; remove it, or set kind = "realtime"',
    "volume_kms_key_arn": 'a Lambda function has no volume to encrypt; remove it, or set kind = "realtime"',
}
REFUSED_BY_ASYNC = {
    "memory_mb": "an asynchronous endpoint has the memory of its instance_type; remove it",
    "accelerator": "the instance_type says whether there is a GPU; remove it",
    "max_concurrency": "an asynchronous endpoint queues what it cannot do at once; to bound an instance, set "
    "max_concurrent_invocations_per_instance",
    "reserved_concurrency": "an asynchronous endpoint queues what it cannot do at once; to bound it, set max_instances",
    "target_invocations_per_instance": "an asynchronous endpoint follows its queue; set target_backlog_per_instance",
    "ephemeral_storage_mb": "an asynchronous endpoint has the storage of its instance_type; remove it",
    "auth": 'an asynchronous endpoint has no URL of its own; remove it, or set kind = "lambda"',
    "cors": 'an asynchronous endpoint has no URL of its own; remove it, or set kind = "lambda"',
    "provisioned_concurrency": "an asynchronous endpoint has instances; remove it, or set min_instances",
    "max_provisioned_concurrency": "an asynchronous endpoint has instances; remove it, or set max_instances",
    "variants": 'give each its own endpoint, or set kind = "realtime" for variants that share one; remove it',
    "scale_to_zero": "an asynchronous endpoint does with min_instances = 0; remove it",
    "rollout": "jobs wait while an asynchronous endpoint is updated; remove it",
    "data_capture": "the inputs and results of jobs are in S3 already; remove it",
}
REFUSED_BY_REALTIME = {
    "memory_mb": "an instance has the memory of its type; remove it",
    "max_concurrency": "instances take requests as they come; remove it",
    "provisioned_concurrency": "instances are always on; remove it, or set min_instances",
    "max_provisioned_concurrency": "instances are always on; remove it, or set max_instances",
}
REFUSED: dict[str, dict[str, str]] = {
    "serverless": REFUSED_BY_SERVERLESS,
    "realtime": REFUSED_BY_REALTIME,
    "async": REFUSED_BY_ASYNC,
    "lambda": REFUSED_BY_LAMBDA,
    "rollout": REFUSED_BY_ROLLOUT,
    "component": REFUSED_BY_COMPONENT,
    "variants": REFUSED_BY_VARIANT,
    "data_capture": REFUSED_BY_CAPTURE,
    "data_capture.drift": REFUSED_BY_DRIFT,
    "vpc": REFUSED_BY_VPC,
    "training": REFUSED_BY_TRAINING,
}
"""Kind, table of an endpoint, or [training] -> key -> why it has it not, and the remedy."""


class ServerlessEndpoint(Table):
    """Scales to zero and is billed by the request; CPU only."""

    kind: Literal["serverless"] = Field(description="The kind of endpoint: `serverless`.")
    memory_mb: int = Field(2048, description="1024 to 6144 in steps of 1024; CPU grows with it.")
    max_concurrency: Annotated[int, Field(ge=1, le=200)] = Field(
        5, description="Requests served at once; one more is answered 429 THROTTLED."
    )
    provisioned_concurrency: Annotated[int, Field(ge=1, le=200)] | None = Field(
        None,
        description="Requests for which a started server is kept, paid by the hour; at most `max_concurrency`.",
    )
    max_provisioned_concurrency: Annotated[int, Field(ge=1, le=200)] | None = Field(
        None,
        description="Above provisioned_concurrency, servers are kept by load, up to this; at most `max_concurrency`.",
    )

    @property
    def is_gpu(self) -> bool:
        """Whether the endpoint runs on a GPU: never."""
        return False

    @property
    def architecture(self) -> Architecture:
        """The processor's: SageMaker serverless offers no other."""
        return "x86_64"

    @model_validator(mode="after")
    def _memory_is_offered(self) -> Self:
        if self.memory_mb not in SERVERLESS_MEMORY_MB:
            choices = ", ".join(map(str, SERVERLESS_MEMORY_MB))
            raise ValueError(f"memory_mb: {self.memory_mb} is not offered by SageMaker; choose one of {choices}")
        return self

    @model_validator(mode="after")
    def _provisioned_is_within_bounds(self) -> Self:
        least, most = self.provisioned_concurrency, self.max_provisioned_concurrency
        if least is None:
            if most is not None:
                raise ValueError(
                    "max_provisioned_concurrency: there is none to begin with; set provisioned_concurrency"
                )
            return self
        if most is not None and most <= least:
            raise ValueError(
                f"max_provisioned_concurrency: {most} is not above provisioned_concurrency {least}; raise or remove it"
            )
        for key, value in (("max_provisioned_concurrency", most), ("provisioned_concurrency", least)):
            if value is not None and value > self.max_concurrency:
                raise ValueError(
                    f"{key}: {value} is above max_concurrency {self.max_concurrency}; lower it, or raise that"
                )
        return self


class AsyncEndpoint(InstanceEndpoint):
    """Works off a queue of uploaded objects, for large inputs and long inferences; instances only while it holds some.

    It answers no `predict`: a job is asked for and its result fetched later (InvokeEndpointAsync). A deployment starts
    one instance whatever min_instances says, since SageMaker creates no endpoint without; it goes when the queue stays
    empty.
    """

    kind: Literal["async"] = Field(description="The kind of endpoint: `async`.")
    min_instances: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="Never fewer than this; from 0 the first job waits some minutes for an instance."
    )
    target_backlog_per_instance: Annotated[int, Field(ge=1)] = Field(
        5, description="Jobs in the queue or at work, for each instance, that scaling aims at."
    )
    max_concurrent_invocations_per_instance: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="Jobs that an instance works on at once; without it SageMaker chooses."
    )
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = Field(
        900, description="1 to 3600: the seconds after which the model's server gives a job up."
    )

    @property
    def served(self) -> Sequence[Served]:
        """The model itself: its queue has no variants."""
        return [Served(OWN, 1.0, self.instance_type, self.min_instances, self.max_instances, None, False)]


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "*" and not _ORIGIN.fullmatch(value):
            raise ValueError(f'{value!r} is no origin; give "https://" and a host, without a path, or "*" for any')
    if "*" in values and len(values) > 1:
        raise ValueError('"*" is every origin already; remove it, or the others')
    return values


class LambdaEndpoint(Table):
    """A Lambda function with the model in its image and a URL: scales to zero, billed by the millisecond; CPU only."""

    kind: Literal["lambda"] = Field(description="The kind of endpoint: `lambda`.")
    memory_mb: Annotated[int, Field(ge=128, le=10240)] = Field(
        2048, description="128 to 10240; CPU grows with it, one whole core for each 1769."
    )
    ephemeral_storage_mb: Annotated[int, Field(ge=512, le=10240)] = Field(
        512, description="512 to 10240: the room in /tmp, for a model's own code; the server needs none."
    )
    timeout_s: Annotated[int, Field(ge=1, le=900)] = Field(
        24, description="1 to 900. Through the API nobody waits longer than the default; callers of the URL may."
    )
    auth: Literal["iam", "none"] = Field(
        "iam", description="Who may call the URL: signed requests of this account, or, with `none`, the whole world."
    )
    cors: Annotated[tuple[str, ...], AfterValidator(_origins)] = Field(
        (), description="Origins whose pages may call the URL, such as `https://example.com`, or `*` for any."
    )
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Requests served at once, kept for this function alone; one more is answered 429 THROTTLED."
    )
    architecture: Architecture = Field("x86_64", description="The processor's; `arm64` is Graviton.")

    @property
    def is_gpu(self) -> bool:
        """Whether the endpoint runs on a GPU: never."""
        return False


Endpoint = Annotated[
    ServerlessEndpoint | RealtimeEndpoint | AsyncEndpoint | LambdaEndpoint, Field(discriminator="kind")
]
