"""What the model card says of metrics.json."""

from collections.abc import Mapping
from typing import Any

from models.card import section, table


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
    return section(table(rows))
