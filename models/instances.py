"""SageMaker's instance types: what the name of one says about its processor, its GPU and its storage; and what every
kind of endpoint has that runs on them."""

import re
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from models.table import Table
from models.vpc import Vpc

Architecture = Literal["x86_64", "arm64"]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")]
KmsKeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+$")]

_GPU_FAMILY = re.compile(r"^(g|p)\d")
_GRAVITON_FAMILY = re.compile(r"^(c|m|r|t)\d+g[dn]*$")
_GRAVITON_GPU_FAMILY = "g5g"
_GIB_OF_A_VCPU = {r"c[5-9]\w*": 2, r"m[5-9]\w*|g4dn|g5|g6": 4, r"r[5-9]\w*|g6e": 8}  # Amazon EC2 Instance Types
_VCPUS = {"medium": 1, "large": 2, "xlarge": 4}
_LOCAL_STORAGE_FAMILY = re.compile(r"^(c5d|m5d|r5d|\w+\dgd|\w+\did|g4dn|g[56]e?|p3dn|p4de?|p5(e|en)?|trn\d\w*)$")


def family(instance_type: str) -> str:
    """`g5` of `ml.g5.xlarge`."""
    return instance_type.split(".")[1]


def has_gpu(instance_type: str) -> bool:
    """Whether the instance has an NVIDIA GPU."""
    return bool(_GPU_FAMILY.match(family(instance_type)))


def is_graviton(instance_type: str) -> bool:
    """Whether the instance has a Graviton CPU, which is arm64."""
    return bool(_GRAVITON_FAMILY.match(family(instance_type))) or family(instance_type) == _GRAVITON_GPU_FAMILY


def has_local_storage(instance_type: str) -> bool:
    """Whether the instance has disks of its own, which encrypt themselves and take no key."""
    return bool(_LOCAL_STORAGE_FAMILY.match(family(instance_type)))


class Size(NamedTuple):
    """How large an instance is."""

    vcpus: int
    memory_mb: int


def size(instance_type: str) -> Size | None:
    """As the name says it, in the families of which all types have as much memory for a vCPU; None in others."""
    of_a_vcpu = next((gib for name, gib in _GIB_OF_A_VCPU.items() if re.fullmatch(name, family(instance_type))), None)
    times, name = re.fullmatch(r"(\d*)(\w+)", instance_type.split(".")[2]).groups()  # type: ignore[union-attr]
    if of_a_vcpu is None or name not in _VCPUS:
        return None
    vcpus = int(times or 1) * _VCPUS[name]
    return Size(vcpus, vcpus * of_a_vcpu * 1024)


def refuse_other_architecture(instance_type: str, architecture: Architecture) -> None:
    """Raises ValueError for an instance whose processor is another, or whose GPU goes with no processor of ours."""
    if family(instance_type) == _GRAVITON_GPU_FAMILY:
        raise ValueError(
            f"instance_type: {instance_type} has a GPU beside a Graviton CPU, and the GPU's frameworks are "
            "built for x86_64 alone; choose ml.g5 or ml.g6"
        )
    graviton = is_graviton(instance_type)
    if graviton and architecture != "arm64":
        raise ValueError(
            f'architecture: {instance_type} has a Graviton CPU; set architecture = "arm64", '
            "or choose another instance_type"
        )
    if architecture == "arm64" and not graviton:
        gpu = has_gpu(instance_type)
        why = "has a GPU, whose frameworks are built for x86_64 alone" if gpu else "has no Graviton CPU"
        raise ValueError(
            f"architecture: {instance_type} {why}; remove it, or choose a Graviton instance_type such as ml.c7g.large"
        )


class InstanceEndpoint(Table):
    """What runs on instances, with a GPU or without: their type, how many there may be, their storage."""

    kind: str
    instance_type: InstanceType = Field(
        description="A SageMaker hosting instance type, such as `ml.g5.xlarge` or `ml.c7i.large`."
    )
    architecture: Architecture = Field(
        "x86_64", description="The processor's; `arm64` for the Graviton types, such as `ml.c7g.large`. CPU only."
    )
    min_instances: int
    max_instances: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Never more than this; above min_instances the endpoint scales by load."
    )
    scale_out_cooldown_s: Annotated[int, Field(ge=0, le=3600)] = Field(
        60, description="Seconds, up to 3600, from one scaling out until the next, once its instances serve."
    )
    scale_in_cooldown_s: Annotated[int, Field(ge=0, le=3600)] = Field(
        300, description="Seconds, up to 3600, from one scaling in until the next; scaling out does not wait for it."
    )
    volume_kms_key_arn: KmsKeyArn | None = Field(
        None, description="ARN of the storage volume's KMS key; not for instances with local storage."
    )
    vpc: Vpc | None = Field(None, description="The network that the instances stand in, a table of its own below.")

    @property
    def scales(self) -> bool:
        """Whether the number of instances follows the load."""
        return self.max_instances > self.min_instances

    @property
    def is_gpu(self) -> bool:
        """Whether the instance has an NVIDIA GPU."""
        return has_gpu(self.instance_type)

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances: {self.min_instances} is above max_instances {self.max_instances}; "
                "lower it, or raise max_instances"
            )
        return self

    @model_validator(mode="after")
    def _architecture_is_the_instances(self) -> Self:
        refuse_other_architecture(self.instance_type, self.architecture)
        return self

    @model_validator(mode="after")
    def _volume_can_be_encrypted(self) -> Self:
        if self.volume_kms_key_arn and has_local_storage(self.instance_type):
            raise ValueError(
                f"volume_kms_key_arn: {self.instance_type} has local storage, which encrypts itself and takes no key; "
                "remove the key, or choose an instance type without local storage"
            )
        return self
