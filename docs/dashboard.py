"""`python -m docs.dashboard cdk.out` draws the layout of the prod stage's dashboard to docs/dashboard.png."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from stacks.constructs.graphs import FULL

FOLDER = Path(__file__).resolve().parent
_COLOURS = {"text": "#e8eef7", "alarm": "#fbe3dc", "metric": "#ffffff"}
_MOST_LINES = 5  # of a graph, that are named
_LINES = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")


def draw(widgets: list[dict[str, Any]], file: Path) -> None:
    """Each widget where it stands, with its title and the metrics that it shows."""
    bottom = max(widget["y"] + widget["height"] for widget in widgets)
    figure, axes = plt.subplots(figsize=(15, bottom * 0.26))
    for widget in widgets:
        _draw(axes, widget["x"], widget["y"], widget)
    axes.set(xlim=(0, FULL), ylim=(bottom, 0))
    axes.axis("off")
    figure.savefig(file, dpi=80, bbox_inches="tight", pil_kwargs={"optimize": True})
    plt.close(figure)


def _draw(axes: Any, x: float, y: float, widget: dict[str, Any]) -> None:
    width, height, properties = widget["width"], widget["height"], widget["properties"]
    box = FancyBboxPatch((x + 0.06, y + 0.06), width - 0.12, height - 0.12, boxstyle="round,pad=0,rounding_size=0.1")
    box.set(facecolor=_COLOURS[widget["type"]], edgecolor="#9aa7b8", linewidth=0.8)
    axes.add_patch(box)
    if widget["type"] == "text":
        axes.text(x + 0.3, y + height / 2, properties["markdown"].lstrip("# "), va="center", fontsize=10, weight="bold")
        return
    axes.text(x + 0.3, y + 0.75, properties["title"], va="center", fontsize=8, weight="bold")
    lines = [line for line in properties.get("metrics", []) if line[-1].get("visible", True)]
    for at, line in enumerate(lines[:_MOST_LINES]):
        shown, level = line[-1].get("label") or f"{line[1]} {line[-1]['stat']}", y + 1.7 + at * 0.8
        axes.plot([x + 0.4, x + 1.0], [level, level], color=_LINES[at % len(_LINES)], linewidth=2)
        axes.text(x + 1.2, level, shown, va="center", fontsize=7)
    if len(lines) > _MOST_LINES:
        axes.text(
            x + width - 0.3, y + 0.75, f"and {len(lines) - _MOST_LINES} more", va="center", ha="right", fontsize=7
        )
    if alarms := properties.get("alarms"):
        axes.text(x + 0.3, y + 1.9, f"{len(alarms)} alarms: of the API and each endpoint", fontsize=8)


def main(assembly: str) -> None:
    """Reads the template in the cloud assembly `assembly`."""
    template = json.loads((Path(assembly) / "Fovea-prod-watch.template.json").read_text(encoding="utf-8"))
    (body,) = (
        each["Properties"]["DashboardBody"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Dashboard"
    )
    text = "".join(part if isinstance(part, str) else "_" for part in body["Fn::Join"][1])
    draw(json.loads(re.sub(r"\s+", " ", text))["widgets"], FOLDER / "dashboard.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
