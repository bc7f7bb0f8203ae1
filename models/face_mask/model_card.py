"""What the model card says of metrics.json."""

from collections.abc import Mapping
from typing import Any

from models.card import section, table


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
    return section(table(rows))
