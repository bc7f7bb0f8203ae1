"""The [endpoints.NAME.component] table, and what goes with an endpoint that scales to zero: SageMaker allows it only to
inference components, which are copies of a model that are put on instances as there is room and need."""

from typing import Annotated

from pydantic import Field

from models.table import Table

REFUSED_BY_COMPONENT = {
    "accelerators": "a copy of the model uses one GPU where its instance has any; remove it",
}
REFUSED_AT_ZERO = {
    "min_instances": "an endpoint that scales to zero has none at least; remove it",
    "variants": "an endpoint that scales to zero serves one model; remove them, or give each its own endpoint",
    "weight": "an endpoint that scales to zero serves one model; remove it",
    "data_capture": "AWS documents no data capture for inference components; remove it, or scale_to_zero",
    "rollout": "an endpoint that may have no instance has none to move requests between; remove it, or scale_to_zero",
}


class Component(Table):
    """What one copy of the model reserves on its instance, for `scale_to_zero = true`. An instance serves one copy."""

    memory_mb: Annotated[int, Field(ge=128)] = Field(
        description="Reserved, not a limit. SageMaker gives copies far less than the instance has: an `ml.g5.xlarge` "
        "(16 GiB) has been seen to take 1024 and to refuse 4096."
    )
    cpu_cores: Annotated[float, Field(ge=0.25)] | None = Field(
        None, description="Reserved likewise; needed on instances without a GPU."
    )


def refuse_unfit_component(given: set[str], component: Component | None, *, scale_to_zero: bool, has_gpu: bool) -> None:
    """Raises ValueError where the keys `given` do not go with `scale_to_zero`, or a component not with its instance."""
    if not scale_to_zero:
        if component:
            raise ValueError("component: only an endpoint that scales to zero has one; remove it, or set scale_to_zero")
        return
    for key, why in REFUSED_AT_ZERO.items():
        if key in given:
            raise ValueError(f"{key}: {why}")
    if component is None:
        raise ValueError(
            "component: is missing; only an inference component scales to zero: add the table, with memory_mb"
        )
    if component.cpu_cores is None and not has_gpu:
        raise ValueError("component.cpu_cores: is missing; a copy on an instance without a GPU needs some")
