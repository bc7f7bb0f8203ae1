"""The measured part of a model card, kept equal to metrics.json: demonstration.py writes both through here."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- metrics: written by demonstration.py -->", "<!-- end of metrics -->"


def table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Names and values as lines of Markdown."""
    return ["| measured | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def section(lines: Sequence[str]) -> str:
    """`lines` between the marks by which `write_metrics` finds them again."""
    return "\n".join([_BEGIN, *lines, _END])


def write_metrics(folder: Path, metrics: Mapping[str, Any], measured: str) -> None:
    """Writes metrics.json, and the section `measured` into the card where the folder has one."""
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    card = folder / "README.md"
    if card.exists():
        before, _, rest = card.read_text().partition(_BEGIN)
        _, _, after = rest.partition(_END)
        card.write_text(before + measured + after)
