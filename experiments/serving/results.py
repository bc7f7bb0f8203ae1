"""What was measured, kept as JSON so that the report can be made again, and its medians over the rounds."""

import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from experiments.serving.models import CACHE
from experiments.serving.servers import CLIENTS, CORES, SERVERS
from experiments.serving.venvs import BASELINES

FILE, PART = CACHE / "results.json", CACHE / "results-part.json"
_NAMED = "fastapi flask gunicorn uvicorn keras tensorflow-cpu litserve bentoml multi-model-server onnxruntime pillow"

Results = dict[str, Any]
"""`machine`: what it ran on; `records`: see measure.Record; `turns`: see turns.Turn."""


@dataclass(frozen=True, slots=True)
class Median:
    """One server, picture and number of clients, over the rounds."""

    per_s: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    first_s: float
    client_cpu_ms: float
    errors: int


def save(results: Results, file: Path) -> None:
    """Writes `file`."""
    file.write_text(json.dumps(results, indent=1))


def load(file: Path) -> Results:
    """What `save` wrote."""
    results: Results = json.loads(file.read_text())
    return results


def medians(results: Results, model: str, picture: str) -> dict[str, dict[int, Median]]:
    """Server -> clients -> median; servers in their usual order, those not measured to the end left out."""
    found: dict[str, dict[int, Median]] = {}
    for server in (server.name for server in SERVERS):
        rows = [
            row
            for row in results["records"]
            if (row["model"], row["server"], row.get("picture")) == (model, server, picture)
        ]
        for clients in sorted({row["clients"] for row in rows}):
            found.setdefault(server, {})[clients] = _median([row for row in rows if row["clients"] == clients])
    return {server: each for server, each in found.items() if set(CLIENTS) <= set(each)}


def failures(results: Results) -> list[str]:
    """A line for each start of a server that failed, and for each measurement in which an answer was not right."""
    lines = []
    for row in results["records"]:
        where = f"{row['server']}, {row['model']}, round {row['round'] + 1}"
        if "failed" in row:
            lines.append(f"{where}: {str(row['failed']).strip().splitlines()[-1]}")
        elif row["errors"]:
            lines.append(f"{where}, {row['picture']}, {row['clients']} clients: {row['faults']}")
    return lines


def models(results: Results) -> list[str]:
    """The networks in `results`."""
    return list(dict.fromkeys(row["model"] for row in results["records"]))


def pictures(results: Results) -> list[str]:
    """The pictures in `results`, the smallest first."""
    return list(dict.fromkeys(row["picture"] for row in results["records"] if "picture" in row))


def machine() -> dict[str, object]:
    """What it ran on, when, by which command, and the versions that are pinned."""
    pins: dict[str, str] = {}
    for file in sorted(BASELINES.glob("*/requirements.txt")):
        for name, pinned in re.findall(r"^([\w-]+)==(\S+)$", file.read_text(), re.MULTILINE):
            pins[name.lower().replace("_", "-")] = pinned
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{CORES} cores, {_processor()}, {platform.system()}, Python {platform.python_version()}",
        "command": " ".join(["python -m experiments.serving", *sys.argv[1:]]),
        "versions": {"openvino": version("openvino")} | {name: pins[name] for name in _NAMED.split() if name in pins},
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return found[1].strip() if found else platform.machine()


def _median(rows: Sequence[dict[str, Any]]) -> Median:
    names = ("per_s", "p50_ms", "p99_ms", "memory_mb", "first_s", "client_cpu_ms")
    return Median(**{name: median(row[name] for row in rows) for name in names}, errors=sum(r["errors"] for r in rows))
