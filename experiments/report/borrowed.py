"""Kinds of endpoint that were not measured, so that their price can be seen: with the time of the nearest that was."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.cost.prices import NoPrice, PriceTable
from experiments.report.candidate import Candidate
from models.endpoints import SERVERLESS_MEMORY_MB, AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint
from models.realtime import RealtimeEndpoint

_INSTANCE, _MEMORY_MB = "ml.c7i.large", 2048


def borrowed(candidates: Sequence[Candidate], of_model: Mapping[str, Any], prices: PriceTable) -> Sequence[Candidate]:
    """Of each kind that none of `candidates` has: the endpoints of model.toml, else a plain one."""
    missing = [
        kind for kind in ("serverless", "lambda", "realtime", "async") if kind not in {c.kind for c in candidates}
    ]
    found: list[Candidate] = []
    for kind in missing:
        own = {name: settings for name, settings in of_model.items() if settings.kind == kind}
        for name, settings in (own or {kind: plain(kind, candidates, prices)}).items():
            near = nearest(settings, candidates)
            found.append(replace(near, name=name, settings=settings, levels=(), borrowed=near.label))
    return found


def plain(kind: str, candidates: Sequence[Candidate], prices: PriceTable) -> Any:
    """A function with the middle of the memories that were measured; instances of the cheapest type that was."""
    memories = sorted(candidate.settings.memory_mb for candidate in candidates if candidate.is_function)
    memory_mb = memories[len(memories) // 2] if memories else _MEMORY_MB
    if kind == "serverless":
        offered = min(SERVERLESS_MEMORY_MB, key=lambda each: abs(each - memory_mb))
        return ServerlessEndpoint(kind="serverless", memory_mb=offered)
    if kind == "lambda":
        return LambdaEndpoint(kind="lambda", memory_mb=memory_mb)
    types = [candidate.settings.instance_type for candidate in candidates if not candidate.is_function]
    cheapest = min(types, key=lambda each: _hour_usd(each, prices), default=_INSTANCE)
    if kind == "async":
        return AsyncEndpoint(kind="async", instance_type=cheapest)
    return RealtimeEndpoint(kind="realtime", instance_type=cheapest)


def _hour_usd(instance_type: str, prices: PriceTable) -> float:
    try:
        return prices.instance(instance_type).usd
    except NoPrice:
        return float("inf")


def nearest(settings: Any, candidates: Sequence[Candidate]) -> Candidate:
    """Whose times to take: of functions the one with the closest memory, of instances one with the same type.

    Where there is none of the same sort, an instance is nearest to the largest memory.
    """
    memory_mb = getattr(settings, "memory_mb", None)

    def distance(candidate: Candidate) -> tuple[bool, bool, float]:
        is_other_sort = candidate.is_function != (memory_mb is not None)
        other_type = getattr(candidate.settings, "instance_type", "") != getattr(settings, "instance_type", "")
        theirs = getattr(candidate.settings, "memory_mb", 0)
        return is_other_sort, other_type, abs(theirs - memory_mb) if memory_mb is not None else -theirs

    return min(candidates, key=distance)
