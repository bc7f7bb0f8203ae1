"""How many instances an endpoint may have in a stage: no more than the stage says, whatever its model.toml allows."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from models.registry import Model

BOUNDS = ("min_instances", "max_instances")
AT_ONCE = {"shift": "all-at-once", "step_percent": None}

Settings = TypeVar("Settings", bound=BaseModel)


def at_most(models: Sequence[Model], most: int) -> Sequence[Model]:
    """The models with every bound of their endpoints' instances at `most` or below it."""
    return [
        model.with_endpoints({name: bounded(each, most) for name, each in model.spec.endpoints.items()})
        for model in models
    ]


def bounded(settings: Settings, most: int) -> Settings:
    """The same endpoint with no more instances; one that scales from 1 to 4 stays at 1 where `most` is 1.

    So has each of its variants. With fewer than its least instances it cannot be updated in shares of them any more.
    """
    lowered: dict[str, Any] = {name: most for name in BOUNDS if getattr(settings, name, 0) > most}
    rollout = getattr(settings, "rollout", None)
    if rollout and "min_instances" in lowered:
        lowered["rollout"] = rollout.model_copy(update=AT_ONCE)
    variants = getattr(settings, "variants", None)
    if variants:
        lowered["variants"] = {name: bounded(each, most) for name, each in variants.items()}
    return settings.model_copy(update=lowered) if lowered else settings
