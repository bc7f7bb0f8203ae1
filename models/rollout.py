"""The [endpoints.NAME.rollout] table: how an update moves the requests to new instances, and what calls it off."""

from math import ceil
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.table import Table

ALARM_PERIOD_S, ALARM_PERIODS = 60, 2
SLOWEST_ALARM_S = ALARM_PERIOD_S * (ALARM_PERIODS + 1)  # a period more until the last minute's figures are there
MOST_WATCHED = 5  # variants: SageMaker takes ten alarms, and each has two
STARTING_S = 3600  # for new instances, their images and their models
LONGEST_S = 28_800  # SageMaker

REFUSED_BY_ROLLOUT = {
    "alarms": "the alarms are what calls an update off, so they come with it; remove it, or set failing_percent "
    "and slow_s",
}


class Rollout(Table):
    """How an update replaces a real-time endpoint's instances: new ones are started beside the old ones, requests are
    moved to them in steps, and all go back to the old ones when too many fail or take too long on the new ones.

    For that it makes two alarms in the model's stack. Without the table SageMaker moves everything at once, unwatched.
    """

    shift: Literal["canary", "linear", "all-at-once"] = Field(
        "canary",
        description="`canary` moves a share, then the rest; `linear` share after share; `all-at-once` everything.",
    )
    step_percent: Annotated[int, Field(ge=1, le=50)] | None = Field(
        None,
        description="The share of the instances in a step: 1 to 50 for `canary`, 10 to 50 for `linear`, at least one "
        "whole instance of `min_instances`. 50 where nothing is given.",
    )
    wait_s: Annotated[int, Field(ge=SLOWEST_ALARM_S, le=3600)] = Field(
        300, description="How long the alarms watch after each step: 180, which they need to go off, to 3600."
    )
    termination_wait_s: Annotated[int, Field(ge=0, le=3600)] = Field(
        0, description="How long the old instances are kept after the last step: 0 to 3600."
    )
    timeout_s: Annotated[int, Field(ge=600, le=LONGEST_S)] | None = Field(
        None,
        description="When an update that has not ended is given up: 600 to 28800. By default all waits and an hour.",
    )
    failing_percent: Annotated[float, Field(gt=0, lt=100)] = Field(
        1.0, description="More failing requests (5XX) than this, on the new instances, call the update off."
    )
    slow_s: Annotated[float, Field(gt=0, lt=24)] = Field(
        10.0,
        description="One request in a hundred that takes longer, on the new instances, calls the update off; below 24, "
        "when a container gives up.",
    )

    @property
    def step(self) -> int:
        """Percent of the instances in a step."""
        return 100 if self.shift == "all-at-once" else self.step_percent or 50

    @property
    def waits_s(self) -> int:
        """All waits of an update together."""
        steps = {"canary": 2, "linear": ceil(100 / self.step), "all-at-once": 1}[self.shift]
        return steps * self.wait_s + self.termination_wait_s

    @property
    def limit_s(self) -> int:
        """When an update is given up."""
        return self.timeout_s or min(self.waits_s + STARTING_S, LONGEST_S)

    @model_validator(mode="after")
    def _step_fits_the_shift(self) -> Self:
        if self.step_percent is not None and self.shift == "all-at-once":
            raise ValueError('step_percent: all-at-once has one step; remove it, or set shift = "canary" or "linear"')
        if self.shift == "linear" and self.step < 10:
            raise ValueError(f"step_percent: linear takes 10 to 50, not {self.step}; raise it")
        return self

    @model_validator(mode="after")
    def _waits_fit_the_limit(self) -> Self:
        if self.waits_s >= self.limit_s:
            raise ValueError(
                f"timeout_s: the waits alone take {self.waits_s} s, and an update is given up after {self.limit_s}; "
                "lower wait_s or the number of steps, or raise timeout_s"
            )
        return self


def refuse_less_than_an_instance(rollout: Rollout, instances: int, whose: str = "min_instances") -> None:
    """Raises ValueError where a step is no whole one of `instances`: SageMaker moves requests instance by instance."""
    if rollout.step * instances >= 100:
        return
    needed = ceil(100 / rollout.step)
    remedy = f"set {whose} = {needed}" + (" or more, raise step_percent" if rollout.step < 50 else " or more")
    raise ValueError(
        f"rollout.step_percent: {rollout.step} % of {whose} = {instances} is no whole instance; "
        f'{remedy}, or set rollout.shift = "all-at-once"'
    )
