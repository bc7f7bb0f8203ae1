"""What the model card says of metrics.json."""

from collections.abc import Mapping
from typing import Any

from models.card import section, table


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
    return section(table(rows))
