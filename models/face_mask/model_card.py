"""Keeps the numbers in the model card equal to metrics.json: train.py writes both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- metrics: written by train.py -->", "<!-- end of metrics -->"


def metrics_section(metrics: Mapping[str, Any]) -> str:
    """The measured part of the card, in Markdown."""
    rows = [
        ("Accuracy", f"{metrics['accuracy']:.3f}"),
        ("Precision of with_mask", f"{metrics['precision']:.3f}"),
        ("Recall of with_mask", f"{metrics['recall']:.3f}"),
        ("F1", f"{metrics['f1']:.3f}"),
        ("ROC AUC", f"{metrics['roc_auc']:.4f}"),
        *(
            (f"Right, mask {name.replace('_', ' ')}", f"{share:.3f}")
            for name, share in metrics["accuracy_by_wearing"].items()
        ),
        ("Held-out images", f"{metrics['held_out_images']}, as many of each label"),
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
