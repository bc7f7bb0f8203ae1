"""What is deployed: the models and endpoints that synth wrote into registry.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import AsyncUnavailable, EndpointNotFound, ModelNotFound

ASYNC = "async"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a prediction goes, and what may be sent there."""

    service: str  # sagemaker or lambda
    name: str
    max_body_bytes: int
    accepts: Sequence[str]
    timeout_s: int = 0  # of an asynchronous endpoint: after which its container gives a job up
    component: str | None = None  # an endpoint on SageMaker that scales to zero is asked for its inference component


class Registry:
    """Models by name, as GET /models shows them, and what is behind each of their endpoints."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.auth: Sequence[str] = content["auth"]
        """What a call has to show: of api-key, iam and cognito."""
        self.models: Sequence[Mapping[str, Any]] = content["models"]
        self._by_name: Mapping[str, Mapping[str, Any]] = {model["name"]: model for model in self.models}
        self._targets: Mapping[str, Mapping[str, Mapping[str, Any]]] = content["targets"]

    @classmethod
    def read(cls, file: Path) -> "Registry":
        """From the JSON file that synth wrote."""
        return cls(json.loads(file.read_text(encoding="utf-8")))

    def model(self, name: str) -> Mapping[str, Any]:
        """The public description of one model. Raises ModelNotFound."""
        if name not in self._by_name:
            raise ModelNotFound
        return self._by_name[name]

    def target(self, name: str, endpoint: str | None) -> Target:
        """The endpoint asked for, or the first, of those that answer. Raises ModelNotFound, EndpointNotFound."""
        endpoints = {entry["name"]: entry for entry in self.model(name)["endpoints"] if entry["kind"] != ASYNC}
        return self._target(name, endpoint, endpoints)

    def job_target(self, name: str, endpoint: str | None) -> Target:
        """The same of those that take jobs. Raises ModelNotFound, AsyncUnavailable, EndpointNotFound."""
        endpoints = {entry["name"]: entry for entry in self.model(name)["endpoints"] if entry["kind"] == ASYNC}
        if not endpoints:
            raise AsyncUnavailable
        return self._target(name, endpoint, endpoints)

    def _target(self, name: str, endpoint: str | None, among: Mapping[str, Mapping[str, Any]]) -> Target:
        chosen = next(iter(among), "") if endpoint is None else endpoint
        if chosen not in among:
            raise EndpointNotFound(endpoints=", ".join(among) or "none")
        behind = self._targets[name][chosen]
        limit, accepts = among[chosen]["max_body_bytes"], self.model(name)["accepts"]
        more = {key: behind[key] for key in ("timeout_s", "component") if key in behind}
        return Target(behind["service"], behind["name"], limit, accepts, **more)

    def names(self, model: str, endpoint: str | None) -> tuple[str, str] | None:
        """A model and its endpoint, or the first that answers, by the names that stand here; else None."""
        kinds = {entry["name"]: entry["kind"] for entry in self._by_name.get(model, {}).get("endpoints", ())}
        first = next((name for name, kind in kinds.items() if kind != ASYNC), None)
        chosen = first if endpoint is None else endpoint
        return (model, chosen) if chosen is not None and chosen in kinds else None
