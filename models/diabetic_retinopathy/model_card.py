"""What the model card says of metrics.json."""

from collections.abc import Mapping
from typing import Any

from models.card import section, table


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
    return section(table(rows))
