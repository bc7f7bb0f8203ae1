"""Keeps the numbers in the model card equal to metrics.json: train.py writes both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- metrics: written by train.py -->", "<!-- end of metrics -->"


def metrics_section(metrics: Mapping[str, Any]) -> str:
    """The measured part of the card, in Markdown."""
    precisions, objects = metrics["average_precision_50"], metrics["held_out_objects"]
    shown = metrics["at_score"]
    rows = [
        ("mAP at IoU 0.5", f"{metrics['map_50']:.3f}"),
        *((f"AP, {kind} ({objects[kind]} objects)", f"{value:.3f}") for kind, value in precisions.items()),
        (f"Precision, recall at score {shown['score']}", f"{shown['precision']:.3f}, {shown['recall']:.3f}"),
        ("Held-out scenes", f"{metrics['held_out_scenes']}"),
        ("Training scenes, epochs, seed", f"{metrics['scenes']}, {metrics['epochs']}, {metrics['seed']}"),
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
