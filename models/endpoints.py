"""The [endpoints.NAME] tables of model.toml: where a model is served, with what AWS allows and refuses there.

Like models.spec it needs only pydantic and the standard library.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)

_GPU_FAMILY = re.compile(r"^(g|p)\d")
_LOCAL_STORAGE_FAMILY = re.compile(r"^(c5d|m5d|r5d|\w+\dgd|\w+\did|g4dn|g[56]e?|p3dn|p4de?|p5(e|en)?|trn\d\w*)$")

REFUSED_BY_SERVERLESS = {
    "instance_type": 'a serverless endpoint has neither instances nor a GPU; remove it, or set kind = "realtime"',
    "accelerator": 'a serverless endpoint has no GPU; remove it, or set kind = "realtime" with a GPU instance_type',
    "vpc": "SageMaker serverless has no VPC configuration; remove it",
    "data_capture": "SageMaker serverless has no data capture; remove it",
    "volume_kms_key_arn": 'a serverless endpoint has no volume to encrypt; remove it, or set kind = "realtime"',
}
"""Key -> why a serverless endpoint has it not, and the remedy."""


class Table(BaseModel):
    """A table of model.toml: frozen, and a key that it does not know is a fault.

    `defer_build`: a validator is built for what is read, a whole file, and not for each table in it besides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


class ServerlessEndpoint(Table):
    """Scales to zero and is billed by the request; CPU only."""

    kind: Literal["serverless"] = Field(description="The kind of endpoint: `serverless`.")
    memory_mb: int = Field(2048, description="1024 to 6144 in steps of 1024; CPU grows with it.")
    max_concurrency: Annotated[int, Field(ge=1, le=200)] = Field(
        5, description="Requests served at once; one more is answered 429 THROTTLED."
    )

    @property
    def is_gpu(self) -> bool:
        """Whether the endpoint runs on a GPU: never."""
        return False

    @model_validator(mode="after")
    def _memory_is_offered(self) -> Self:
        if self.memory_mb not in SERVERLESS_MEMORY_MB:
            choices = ", ".join(map(str, SERVERLESS_MEMORY_MB))
            raise ValueError(f"memory_mb: {self.memory_mb} is not offered by SageMaker; choose one of {choices}")
        return self


class RealtimeEndpoint(Table):
    """Instances that are always on, with a GPU or without, scaled by load."""

    kind: Literal["realtime"] = Field(description="The kind of endpoint: `realtime`.")
    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")] = Field(
        description="A SageMaker hosting instance type, such as `ml.g5.xlarge` or `ml.c7i.large`."
    )
    min_instances: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Never fewer than this.")
    max_instances: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Never more than this; above min_instances the endpoint scales by load."
    )
    target_invocations_per_instance: Annotated[int, Field(ge=1)] = Field(
        600, description="Requests per minute and instance that scaling aims at."
    )
    volume_kms_key_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+$")] | None = (
        Field(None, description="ARN of the storage volume's KMS key; not for instances with local storage.")
    )

    @property
    def family(self) -> str:
        """`g5` of `ml.g5.xlarge`."""
        return self.instance_type.split(".")[1]

    @property
    def is_gpu(self) -> bool:
        """Whether the instance has an NVIDIA GPU."""
        return bool(_GPU_FAMILY.match(self.family))

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances: {self.min_instances} is above max_instances {self.max_instances}; "
                "lower it, or raise max_instances"
            )
        return self

    @model_validator(mode="after")
    def _volume_can_be_encrypted(self) -> Self:
        if self.volume_kms_key_arn and _LOCAL_STORAGE_FAMILY.match(self.family):
            raise ValueError(
                f"volume_kms_key_arn: {self.instance_type} has local storage, which encrypts itself and takes no key; "
                "remove the key, or choose an instance type without local storage"
            )
        return self


Endpoint = Annotated[ServerlessEndpoint | RealtimeEndpoint, Field(discriminator="kind")]
