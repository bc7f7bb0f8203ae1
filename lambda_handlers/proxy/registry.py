"""What is deployed: the models and endpoints that synth wrote into registry.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import EndpointNotFound, ModelNotFound


@dataclass(frozen=True, slots=True)
class Target:
    """Where a prediction goes, and what may be sent there."""

    sagemaker_endpoint: str
    max_body_bytes: int
    accepts: Sequence[str]


class Registry:
    """Models by name, as GET /models shows them, and the SageMaker endpoint behind each of their endpoints."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.models: Sequence[Mapping[str, Any]] = content["models"]
        self._by_name: Mapping[str, Mapping[str, Any]] = {model["name"]: model for model in self.models}
        self._targets: Mapping[str, Mapping[str, str]] = content["targets"]

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
        """The endpoint asked for, or the model's first. Raises ModelNotFound, EndpointNotFound."""
        model = self.model(name)
        endpoints = {entry["name"]: entry for entry in model["endpoints"]}
        chosen = next(iter(endpoints)) if endpoint is None else endpoint
        if chosen not in endpoints:
            raise EndpointNotFound(endpoints=", ".join(endpoints))
        return Target(self._targets[name][chosen], endpoints[chosen]["max_body_bytes"], model["accepts"])
