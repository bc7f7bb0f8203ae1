"""Keeps the numbers in the model card equal to metrics.json: train.py writes both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- metrics: written by train.py -->", "<!-- end of metrics -->"


def metrics_section(metrics: Mapping[str, Any]) -> str:
    """The measured part of the card, in Markdown."""
    rows = [
        ("Quadratic weighted kappa", f"{metrics['quadratic_weighted_kappa']:.3f}"),
        ("Accuracy", f"{metrics['accuracy']:.3f}"),
        *((f"Recall, {label}", f"{share:.3f}") for label, share in metrics["recall"].items()),
        ("Held-out images", f"{metrics['held_out_images']}, as many of each grade"),
        ("Training images, epochs, seed", f"{metrics['images']}, {metrics['epochs']}, {metrics['seed']}"),
        ("Parameters", f"{metrics['parameters']:,}"),
        ("Drawing, training", f"{metrics['drawing_seconds']:.0f} s, {metrics['training_seconds']:.0f} s"),
        ("Artifact", f"{metrics['artifact_bytes'] / 1e6:.2f} MB"),
    ]
    lines = ["| measured | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join([_BEGIN, *lines, _END])


def write_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Writes metrics.json, and the numbers of the card where the folder has one."""
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    card = folder / "README.md"
    if card.exists():
        before, _, rest = card.read_text().partition(_BEGIN)
        _, _, after = rest.partition(_END)
        card.write_text(before + metrics_section(metrics) + after)
