"""What may be chosen of a training: strings from outside, typed values within, and no name that means nothing."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.errors import InvalidHyperparameter


class Hyperparameters(BaseModel):
    """What every training has. A model's train.py adds its own, each with a description and a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: Annotated[int, Field(ge=0, lt=2**32, description="Of every random choice.")] = 7

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Self:
        """The values in `given`, as SageMaker hands them over. Raises InvalidHyperparameter, which names all faults."""
        try:
            return cls.model_validate({name: value.strip() for name, value in given.items()})
        except ValidationError as error:
            faults = [cls._fault(fault) for fault in error.errors(include_url=False)]
            raise InvalidHyperparameter("; ".join(faults)) from error

    @classmethod
    def _fault(cls, fault: Any) -> str:
        if not fault["loc"]:
            return str(fault["ctx"]["error"])
        name = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            return f"{name} is not a hyperparameter of this model; it has {', '.join(sorted(cls.model_fields))}"
        field = cls.model_fields[name]
        said = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        return f"{name}: {fault['input']!r} should be {said} ({field.description} Default: {field.default})"
