"""Keeps the numbers in the model card equal to metrics.json: train.py writes both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- metrics: written by train.py -->", "<!-- end of metrics -->"


def metrics_section(metrics: Mapping[str, Any]) -> str:
    """The measured part of the card, in Markdown: a column for each network."""
    networks = metrics["networks"]
    names = ("accuracy", "precision", "recall", "f1", "roc_auc")
    titles = ("Accuracy", "Precision, yes", "Recall, yes", "F1, yes", "Area below the ROC curve")
    rows = [
        (title, [f"{one[name]:.3f}" for one in networks.values()]) for title, name in zip(titles, names, strict=True)
    ]
    rows += [
        ("Parameters", [f"{one['parameters']:,}" for one in networks.values()]),
        ("Passes over the training set", [f"{one['epochs']}" for one in networks.values()]),
        ("Training", [f"{one['training_seconds']:.0f} s" for one in networks.values()]),
        ("Artifact", [f"{one['artifact_bytes'] / 1e6:.2f} MB" for one in networks.values()]),
    ]
    lines = [
        "| measured | " + " | ".join(f"`{name}`" for name in networks) + " |",
        "|---|" + "---|" * len(networks),
        *(f"| {title} | {' | '.join(values)} |" for title, values in rows),
        "",
        f"Measured on {metrics['held_out_images']} held-out slices, half of them with a tumour, drawn with seed "
        f"{metrics['held_out_seed']}; trained on {metrics['images']} drawn with seed {metrics['seed']}.",
    ]
    return "\n".join([_BEGIN, *lines, _END])


def write_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Writes metrics.json, and the numbers of the card where the folder has one."""
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    card = folder / "README.md"
    if card.exists():
        before, _, rest = card.read_text().partition(_BEGIN)
        _, _, after = rest.partition(_END)
        card.write_text(before + metrics_section(metrics) + after)
