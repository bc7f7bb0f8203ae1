"""The function's environment, read once when the execution environment starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Buckets:
    """Where clients upload to, and where results are and what is remembered of jobs."""

    inputs: str
    results: str


@dataclass(frozen=True, slots=True)
class Settings:
    """`registry_file` says what is deployed; synth writes it into the package.

    Without `buckets` there are no jobs, without a namespace no metrics, without an origin no page that may call.
    """

    registry_file: Path
    log_level: str
    buckets: Buckets | None
    metrics_namespace: str | None
    page_origin: str | None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Raises ValueError naming the variable that is wrong."""
        registry_file = Path(environment.get("REGISTRY_FILE", PACKAGE_ROOT / "registry.json"))
        if not registry_file.is_file():
            raise ValueError(f"REGISTRY_FILE: {registry_file} is not a file")
        level = environment.get("LOG_LEVEL", "INFO").upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("LOG_LEVEL: choose DEBUG, INFO, WARNING or ERROR")
        namespace, origin = environment.get("METRICS_NAMESPACE"), environment.get("PAGE_ORIGIN")
        return cls(registry_file, level, _buckets(environment), namespace, origin)


def _buckets(environment: Mapping[str, str]) -> Buckets | None:
    inputs, results = environment.get("INPUTS_BUCKET", ""), environment.get("RESULTS_BUCKET", "")
    if bool(inputs) != bool(results):
        missing = "RESULTS_BUCKET" if inputs else "INPUTS_BUCKET"
        raise ValueError(f"{missing}: is not set; jobs need both buckets")
    return Buckets(inputs, results) if inputs else None
