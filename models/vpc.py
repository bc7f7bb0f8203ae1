"""The [endpoints.NAME.vpc] table: the network that an endpoint's instances stand in."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from models.table import Table

REFUSED_BY_VPC = {
    "vpc_id": "the subnets say which VPC it is; remove it",
    "subnets": "call it subnet_ids",
    "security_groups": "call it security_group_ids",
}


def _ids(prefix: str, most: int) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not re.fullmatch(rf"{prefix}-[0-9a-f]{{8,17}}", value):
                raise ValueError(f"{value!r} does not fit; give ids such as {prefix}-0a1b2c3d")
        if not 1 <= len(values) <= most:
            raise ValueError(f"give 1 to {most} of them, not {len(values)}")
        return values

    return check


class Vpc(Table):
    """Puts an endpoint's instances into subnets of yours.

    The model's container has no network either way. What changes is how SageMaker fetches the archive: through the VPC,
    which therefore needs a way to S3, such as a gateway endpoint.
    """

    subnet_ids: Annotated[tuple[str, ...], AfterValidator(_ids("subnet", 16))] = Field(
        description="1 to 16 subnets, such as `subnet-0a1b2c3d`, best of two zones or more."
    )
    security_group_ids: Annotated[tuple[str, ...], AfterValidator(_ids("sg", 5))] = Field(
        description="1 to 5 security groups of the same VPC, such as `sg-0a1b2c3d`."
    )
