"""[endpoints.NAME] with kind = "realtime", and which of its tables go together."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.capture import DataCapture
from models.component import Component, refuse_unfit_component
from models.instances import InstanceEndpoint
from models.rollout import MOST_WATCHED, Rollout, refuse_less_than_an_instance
from models.table import TableName
from models.variants import OWN, Served, Variant, refuse_unfit_variants


class RealtimeEndpoint(InstanceEndpoint):
    """Instances with a GPU or without, scaled by load; always on, unless they scale to zero."""

    kind: Literal["realtime"] = Field(description="The kind of endpoint: `realtime`.")
    min_instances: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Never fewer than this.")
    target_invocations_per_instance: Annotated[int, Field(ge=1)] = Field(
        600, description="Requests per minute and instance that scaling aims at."
    )
    scale_to_zero: bool = Field(
        False,
        description="Let the last instance go after a quarter of an hour without a request. The first request then is "
        "answered 503 MODEL_NOT_READY, and so are all until an instance is there again, which takes minutes.",
    )
    weight: Annotated[float, Field(ge=0, le=1000)] = Field(
        1.0, description="Beside variants: the share of the requests that the model itself answers, against theirs."
    )
    variants: dict[TableName, Variant] = Field(
        default_factory=dict,
        description="What else answers, or sees, a part of the requests; tables of their own below.",
    )
    rollout: Rollout | None = Field(None, description="How an update is rolled out, a table of its own below.")
    data_capture: DataCapture | None = Field(
        None, description="Which requests and answers are kept, and where; a table of its own below. None by default."
    )
    component: Component | None = Field(
        None, description="What a copy reserves, for scale_to_zero; a table of its own below."
    )

    @property
    def scales(self) -> bool:
        """Whether the number of instances follows the load; a component's copies bring theirs along instead."""
        return not self.component and super().scales

    @property
    def served(self) -> Sequence[Served]:
        """The model itself, then its variants."""
        own = Served(OWN, self.weight, self.instance_type, self.min_instances, self.max_instances, None, False)
        return [own, *(variant.beside(own, name) for name, variant in self.variants.items())]

    @model_validator(mode="after")
    def _zero_needs_a_component(self) -> Self:
        refuse_unfit_component(
            self.model_fields_set, self.component, scale_to_zero=self.scale_to_zero, has_gpu=self.is_gpu
        )
        return self

    @model_validator(mode="after")
    def _drift_is_checked_on_x86(self) -> Self:
        if self.data_capture and self.data_capture.drift and self.architecture == "arm64":
            raise ValueError(
                "data_capture.drift: SageMaker runs no processing job on Graviton, and the model's image is for that; "
                "remove it, or choose an instance type with x86_64"
            )
        return self

    @model_validator(mode="after")
    def _variants_fit_the_endpoint(self) -> Self:
        if self.variants:
            refuse_unfit_variants(self.served, self.architecture, has_key=bool(self.volume_kms_key_arn))
        elif "weight" in self.model_fields_set:
            raise ValueError("weight: there are no variants to weigh it against; remove it")
        return self

    @model_validator(mode="after")
    def _a_step_of_a_rollout_is_an_instance(self) -> Self:
        answering = [served for served in self.served if not served.is_shadow]
        if not self.rollout:
            return self
        if len(answering) > MOST_WATCHED:
            raise ValueError(
                f"rollout: SageMaker watches ten alarms, two for each of {MOST_WATCHED} variants; remove some, or it"
            )
        for each in answering:
            whose = "min_instances" if each.name == OWN else f"variants.{each.name}.min_instances"
            refuse_less_than_an_instance(self.rollout, each.min_instances, whose)
        return self
