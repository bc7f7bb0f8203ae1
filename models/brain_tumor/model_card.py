"""What the model card says of metrics.json."""

from collections.abc import Mapping
from typing import Any

from models.card import section


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
    return section(lines)
