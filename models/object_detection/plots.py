"""The two pictures of the model card."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from models.matching import SHOWN_SCORE, Curve
from models.object_detection.dataset import Dataset
from models.object_detection.evaluate import Detections
from models.object_detection.shapes import KINDS


def draw_curves(by_kind: dict[str, Curve], path: Path) -> None:
    """Writes precision over recall of each class as a PNG."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for kind, curve in by_kind.items():
        recall, precision = np.append(0, curve.recall), np.append(curve.precision[:1], curve.precision)
        axes.plot(recall, precision, label=f"{kind}: AP {curve.average_precision:.3f}", linewidth=1.4)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title("Held-out drawn scenes, IoU 0.5 or more", fontsize=10)
    axes.legend(loc="lower left", fontsize=9)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def draw_examples(truth: Dataset, found: Sequence[Detections], path: Path) -> None:
    """Writes six scenes with what was drawn (white, dashed) and what was found (coloured) as a JPEG."""
    figure = Figure(figsize=(9.6, 6.6), layout="constrained")
    for number, axes in enumerate(figure.subplots(2, 3).flat):
        axes.set_axis_off()
        if number < len(found):
            axes.imshow(truth.pictures[number])
            _draw_boxes(axes, truth, found[number], number)
    figure.suptitle("Held-out drawn scenes: drawn boxes dashed, found boxes solid", fontsize=10)
    figure.savefig(path, dpi=100, pil_kwargs={"quality": 88})


def _draw_boxes(axes: Axes, truth: Dataset, found: Detections, number: int) -> None:
    side = truth.pictures.shape[1]
    for box in truth.boxes[number]:
        axes.add_patch(_outline(box * side, "white", "--"))
    for box, score, kind in zip(found.boxes, found.scores, found.classes, strict=True):
        if score >= SHOWN_SCORE:
            colour = f"C{kind}"
            axes.add_patch(_outline(box * side, colour, "-"))
            label = {"facecolor": colour, "edgecolor": "none", "pad": 1}
            name = f"{KINDS[kind - 1]} {score:.2f}"
            axes.text(box[1] * side, box[0] * side - 3, name, fontsize=7, color="white", bbox=label)


def _outline(box: NDArray[np.float32], colour: str, style: str) -> Rectangle:
    ymin, xmin, ymax, xmax = (float(edge) for edge in box)
    return Rectangle((xmin, ymin), xmax - xmin, ymax - ymin, fill=False, edgecolor=colour, linestyle=style)
