"""What a latency experiment leaves in its folder: requests.csv, and run.json, which says what was asked and where."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from experiments.client.sample import ForeignRows, Sample, read_samples, write_samples
from models.endpoints import Endpoint
from models.registry import ROOT

FORMAT = 1
REQUESTS, RUN = "requests.csv", "run.json"
Target = Literal["local", "aws"]

_ENDPOINT: TypeAdapter[Any] = TypeAdapter(Endpoint)


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured: one endpoint of one model, at one place."""

    model: str
    version: str
    endpoint: str
    settings: dict[str, Any]
    """The endpoint's table, as model.toml would have it."""
    target: Target
    how_cold: str
    """How its cold starts were brought about; empty where nobody meets one."""
    emulated: Sequence[str] = ()
    """What stands in for AWS's memory and processors, a sentence each; none in AWS."""
    environment: dict[str, str] = field(default_factory=dict)
    started: str = ""
    seconds: float = 0.0
    seed: int = 0

    @property
    def endpoint_settings(self) -> Any:
        """The table as a type of models.endpoints."""
        return _ENDPOINT.validate_python(self.settings)


def settings_of(endpoint: Any) -> dict[str, Any]:
    """An endpoint of models.endpoints as `Run.settings` has it."""
    given: dict[str, Any] = endpoint.model_dump(mode="json", exclude_defaults=True)
    return {"kind": endpoint.kind, **given}


def write_run(run: Run, samples: Sequence[Sample], folder: Path) -> None:
    """Both files, run.json last: where it is, the run is whole. What was there before goes once both are written."""
    folder.mkdir(parents=True, exist_ok=True)
    requests, about = folder / f"{REQUESTS}.partial", folder / f"{RUN}.partial"
    write_samples(samples, requests)
    about.write_text(json.dumps({"format": FORMAT, **asdict(run)}, indent=1) + "\n", encoding="utf-8")
    (folder / RUN).unlink(missing_ok=True)
    requests.replace(folder / REQUESTS)
    about.replace(folder / RUN)


def read_run(folder: Path) -> tuple[Run, list[Sample]]:
    """Raises ForeignRows when either file is of another version, or not there."""
    file = folder / RUN
    again = "another version wrote it; measure again with python -m experiments.latency"
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        if table.pop("format", None) != FORMAT:
            raise ForeignRows(f"{file}: {again}")
        run = Run(**table)
        _ = run.endpoint_settings
    except OSError as error:
        raise ForeignRows(f"{file}: {error.strerror}; make it with python -m experiments.latency") from error
    except (ValueError, TypeError, AttributeError, ValidationError) as error:
        raise ForeignRows(f"{file}: {again}") from error
    return run, read_samples(folder / REQUESTS)


def now() -> str:
    """In UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, str]:
    """The machine that asks, and in a local run answers too."""
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "processor": _processor(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "httpx": metadata.version("httpx"),
        "commit": commit.stdout.strip() or "unknown",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1024**3:.0f} GiB"
    except (OSError, ValueError):
        return "unknown"
