"""An endpoint's table of model.toml, as the simulation needs it: its policy, and what serves."""

from math import inf
from typing import Any

from pydantic import ValidationError

from experiments.scaling.environments import Environments
from experiments.scaling.errors import BadPolicy, NotSimulated
from experiments.scaling.instances import Jobs, RandomRouting, SharedQueue
from experiments.scaling.policy import Policy
from experiments.scaling.simulate import Servers
from experiments.scaling.times import Times
from experiments.scaling.traffic import Traffic
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint
from models.instances import InstanceEndpoint, family
from models.realtime import RealtimeEndpoint

JOBS_WAKE_COOLDOWN_S, COMPONENT_WAKE_COOLDOWN_S = 300.0, 600.0  # stacks/constructs

_CORES = {"medium": 1, "large": 2, "xlarge": 4}
_TARGETS = {"realtime": "target_invocations_per_instance", "async": "target_backlog_per_instance"}


def target_key(settings: InstanceEndpoint) -> str:
    """The key of model.toml that has the target."""
    return _TARGETS[settings.kind]


def changed(settings: InstanceEndpoint, changes: dict[str, int]) -> Any:
    """The table with other values, as model.toml would take it. Raises BadPolicy."""
    try:
        return type(settings).model_validate(settings.model_dump(exclude_unset=True) | changes)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        said = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else f"{key}: {fault['msg']}"
        raise BadPolicy(f"{said}; docs/model-toml.md has the bounds") from error


def refuse_what_is_not_simulated(name: str, settings: Any) -> None:
    """Raises NotSimulated."""
    if isinstance(settings, RealtimeEndpoint) and settings.variants:
        raise NotSimulated(f"{name}.variants: is not simulated; name others with --endpoint, or remove it for a while")
    if isinstance(settings, ServerlessEndpoint) and settings.provisioned_concurrency:
        raise NotSimulated(
            f"{name}.provisioned_concurrency: is not simulated and has no price; name others with --endpoint, or "
            "remove it for a while"
        )


def policy_of(settings: Any) -> Policy | None:
    """How its instances follow the load; None for what has none."""
    if not isinstance(settings, InstanceEndpoint):
        return None
    is_component = isinstance(settings, RealtimeEndpoint) and settings.component is not None
    return Policy(
        target=getattr(settings, target_key(settings)),
        least=0 if is_component else settings.min_instances,
        most=settings.max_instances,
        out_cooldown_s=settings.scale_out_cooldown_s,
        in_cooldown_s=settings.scale_in_cooldown_s,
        wake_cooldown_s=COMPONENT_WAKE_COOLDOWN_S if is_component else JOBS_WAKE_COOLDOWN_S,
    )


def servers_of(settings: Any, traffic: Traffic, times: Times) -> Servers:
    """What serves `traffic`, with nobody there yet. Raises NotSimulated."""
    if isinstance(settings, ServerlessEndpoint | LambdaEndpoint):
        return Environments(traffic, times.cold_start_s, limit_of(settings))
    workers = at_once(settings)
    if isinstance(settings, AsyncEndpoint):
        return Jobs(traffic, workers)
    return SharedQueue(traffic, workers) if settings.component else RandomRouting(traffic, workers)


def limit_of(settings: ServerlessEndpoint | LambdaEndpoint) -> float:
    """Requests at once; one more is throttled."""
    if isinstance(settings, ServerlessEndpoint):
        return settings.max_concurrency
    return inf if settings.reserved_concurrency is None else settings.reserved_concurrency


def at_once(settings: InstanceEndpoint) -> int:
    """Requests that an instance works on at once: a worker for each core, on a GPU too. Raises NotSimulated."""
    workers = cores(settings.instance_type)
    if isinstance(settings, AsyncEndpoint) and settings.max_concurrent_invocations_per_instance:
        return min(workers, settings.max_concurrent_invocations_per_instance)
    return workers


def cores(instance_type: str) -> int:
    """Virtual cores, by the size in its name: 2 of `large`, 4 of `xlarge`, 4 n of `nxlarge`. Raises NotSimulated."""
    size = instance_type.rpartition(".")[2]
    count = size.removesuffix("xlarge")
    if size.endswith("xlarge") and count.isdigit():
        return _CORES["xlarge"] * int(count)
    if size not in _CORES:
        raise NotSimulated(f"{instance_type}: its size says nothing of its cores; choose another instance_type")
    is_burstable = family(instance_type).startswith("t")
    return 2 if is_burstable and size == "medium" else _CORES[size]
