"""The [endpoints.NAME.variants.VARIANT] tables: other models, or other instances, behind the same endpoint."""

import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from models.instances import Architecture, InstanceType, has_gpu, has_local_storage, refuse_other_architecture
from models.table import Table

OWN = "AllTraffic"
"""The variant that is the model itself; SageMaker would replace it under another name."""
MOST_VARIANTS = 10  # SageMaker

REFUSED_BY_VARIANT = {
    "kind": "a variant is of its endpoint's kind; remove it",
    "architecture": "a variant shares its endpoint's image; remove it, or give it an endpoint of its own",
    "target_invocations_per_instance": "the endpoint's is every variant's; remove it",
    "scale_out_cooldown_s": "the endpoint's is every variant's; remove it",
    "scale_in_cooldown_s": "the endpoint's is every variant's; remove it",
    "rollout": "an update moves all variants together; give it to the endpoint",
    "shadow": "set shadow_percent",
}


class Served(NamedTuple):
    """What SageMaker is told of one variant. `artifact` is None for the model's own."""

    name: str
    weight: float
    instance_type: str
    min_instances: int
    max_instances: int
    artifact: str | None
    is_shadow: bool

    @property
    def scales(self) -> bool:
        """Whether its number of instances follows the load."""
        return self.max_instances > self.min_instances


class Variant(Table):
    """Answers its share of the requests, or, as a shadow, sees a copy of some and answers none.

    It has instances of its own, with the endpoint's image, network, input and labels: what differs is the trained
    model, the instance type, or both. Its metrics are its own (dimension VariantName).
    """

    artifact: str | None = Field(
        None, description="A folder beside this file, or `s3://bucket/key/model.tar.gz`; without it the model's own."
    )
    instance_type: InstanceType | None = Field(
        None, description="Without it the endpoint's. With a GPU exactly where the endpoint's has one."
    )
    weight: Annotated[float, Field(ge=0, le=1000)] = Field(
        1.0, description="Its share of the requests, against the endpoint's own `weight` and that of other variants."
    )
    shadow_percent: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Makes it a shadow: so many of a hundred requests are copied to it, its answers thrown away."
    )
    min_instances: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Never fewer than this.")
    max_instances: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Never more than this; above min_instances the variant scales by its load."
    )

    def beside(self, own: Served, name: str) -> Served:
        """What SageMaker is told: a shadow's weight is its share of the weight of the one that it shadows."""
        weight = self.weight if self.shadow_percent is None else own.weight * self.shadow_percent / 100
        instance_type = self.instance_type or own.instance_type
        is_shadow = self.shadow_percent is not None
        return Served(name, weight, instance_type, self.min_instances, self.max_instances, self.artifact, is_shadow)

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if self.artifact is None and self.instance_type is None:
            raise ValueError("artifact: is missing, and instance_type too; a variant differs in one of them, add it")
        is_remote = self.artifact is not None and self.artifact.startswith("s3://")
        if is_remote and not re.match(r"^s3://[a-z0-9][a-z0-9.-]+/\S+\.tar\.gz$", str(self.artifact)):
            raise ValueError("artifact: an S3 artifact has the form s3://bucket/key/model.tar.gz")
        if self.shadow_percent is not None and "weight" in self.model_fields_set:
            raise ValueError("weight: a shadow answers nothing; remove it, or shadow_percent")
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances: {self.min_instances} is above max_instances {self.max_instances}; "
                "lower it, or raise max_instances"
            )
        return self


def refuse_unfit_variants(served: Sequence[Served], architecture: Architecture, *, has_key: bool) -> None:
    """Raises ValueError for variants that AWS refuses together, or that the endpoint's image cannot serve."""
    own, *others = served
    shadows = [each.name for each in others if each.is_shadow]
    if shadows and len(others) > 1:
        raise ValueError(
            f"variants.{shadows[0]}.shadow_percent: a shadow stands beside one model alone; remove it, or the other "
            "variants"
        )
    if len(served) > MOST_VARIANTS:
        raise ValueError(f"variants: SageMaker takes {MOST_VARIANTS}, the model itself among them; remove some")
    if not own.weight and (shadows or not any(each.weight for each in others)):
        raise ValueError("weight: nobody would answer; raise it")
    for each in others:
        _refuse_other_instances(each, own, architecture, has_key=has_key)


def _refuse_other_instances(each: Served, own: Served, architecture: Architecture, *, has_key: bool) -> None:
    key = f"variants.{each.name}.instance_type"
    if has_gpu(each.instance_type) != has_gpu(own.instance_type):
        which = "a GPU" if has_gpu(each.instance_type) else "no GPU"
        raise ValueError(
            f"{key}: {each.instance_type} has {which}, unlike {own.instance_type}, so it needs another image; "
            "choose another, or give it an endpoint of its own"
        )
    try:
        refuse_other_architecture(each.instance_type, architecture)
    except ValueError as error:
        raise ValueError(
            f"{key}: {each.instance_type} is not {architecture}, as the endpoint is; choose another"
        ) from error
    if has_key and has_local_storage(each.instance_type):
        raise ValueError(
            f"{key}: {each.instance_type} has local storage, which takes no volume_kms_key_arn; choose another"
        )
