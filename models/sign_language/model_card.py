"""Keeps the numbers in the model card equal to metrics.json: train.py writes both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- metrics: written by train.py -->", "<!-- end of metrics -->"


def metrics_section(metrics: Mapping[str, Any]) -> str:
    """The measured part of the card, in Markdown."""
    weakest = sorted(metrics["recall"].items(), key=lambda item: item[1])[:3]
    rows = [
        ("Accuracy", f"{metrics['accuracy']:.3f}"),
        ("The drawn sign among the first five", f"{metrics['top_5_accuracy']:.3f}"),
        ("Least recall", ", ".join(f"{gloss} {recall:.2f}" for gloss, recall in weakest)),
        ("Held-out clips", f"{metrics['held_out_clips']}, as many of each sign, seed {metrics['held_out_seed']}"),
        ("Training clips, epochs, seed", f"{metrics['clips']}, {metrics['epochs']}, {metrics['seed']}"),
        ("Parameters", f"{metrics['parameters']:,}"),
        ("Drawing, training", f"{metrics['drawing_seconds']:.0f} s, {metrics['training_seconds']:.0f} s"),
        ("Artifact", f"{metrics['artifact_bytes'] / 1e6:.2f} MB"),
    ]
    return "\n".join([_BEGIN, "| measured | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), _END])


def write_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Writes metrics.json, and the numbers of the card where the folder has one."""
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    card = folder / "README.md"
    if card.exists():
        before, _, rest = card.read_text().partition(_BEGIN)
        _, _, after = rest.partition(_END)
        card.write_text(before + metrics_section(metrics) + after)
