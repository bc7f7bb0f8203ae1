"""What a detector's four outputs may be, and the detections in them.

The signature is that of the TF Object Detection API: for one picture `detection_boxes` (1, n, 4) as ymin, xmin, ymax,
xmax in fractions, `detection_scores` (1, n), `detection_classes` (1, n) as in the label map, and `num_detections` (1),
how many of the n are any. Exports add more outputs (raw_detection_boxes, detection_masks …), which nobody here reads.
"""

from dataclasses import dataclass

import numpy as np

from model_server.engines import Array, Outputs

SIGNATURE = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")

_EDGE_TOLERANCE = 0.05  # some exports do not clip; a box in pixels is far outside
_SCORE_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Detections:
    """Best first: class ids (k), scores (k) in 0..1, boxes (k, 4) as x0, y0, x1, y1 in fractions."""

    class_ids: Array
    scores: Array
    boxes: Array

    def at(self, places: Array) -> "Detections":
        """Those at the given places."""
        return Detections(self.class_ids[places], self.scores[places], self.boxes[places])


def missing(outputs: Outputs) -> list[str]:
    """The names of the signature that `outputs` lacks."""
    return [name for name in SIGNATURE if name not in outputs]


def fault_of(outputs: Outputs) -> str | None:
    """What is wrong with the outputs for one picture, with the remedy, or None."""
    fault = _fault_of_shapes(outputs) or _fault_of_values(outputs)
    return f"the model gives {fault}" if fault else None


def _fault_of_shapes(outputs: Outputs) -> str | None:
    boxes, count = outputs["detection_boxes"], outputs["num_detections"]
    rows = boxes.shape[1] if boxes.ndim == 3 else -1
    shapes = {"detection_boxes": (1, rows, 4), "detection_scores": (1, rows), "detection_classes": (1, rows)}
    for name, shape in shapes.items():
        if outputs[name].shape != shape:
            return f"{name} of {outputs[name].shape}; export boxes (1, n, 4), scores (1, n) and classes (1, n)"
    if count.size != 1 or not 0 <= count.item() <= rows:
        return f"num_detections {count.tolist()} for {rows} boxes"
    return None


def _fault_of_values(outputs: Outputs) -> str | None:
    count = int(outputs["num_detections"].item())
    boxes, scores, classes = (outputs[name][0, :count] for name in SIGNATURE[:3])
    faults = {
        "NaN or Inf": not all(np.isfinite(values).all() for values in (boxes, scores, classes)),
        "scores outside of 0..1; export it with its score conversion": _outside(scores, _SCORE_TOLERANCE),
        "boxes outside of the picture; export them as fractions of it": _outside(boxes, _EDGE_TOLERANCE),
        "boxes that end before they begin; export ymin, xmin, ymax, xmax": (boxes[:, :2] > boxes[:, 2:]).any(),
        "classes that are no ids": (classes < 0).any() or (classes != classes.round()).any(),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def detections(outputs: Outputs) -> Detections:
    """What the outputs for one picture, which have no fault, hold."""
    boxes, scores, classes, count = (outputs[name] for name in SIGNATURE)
    best_first = np.argsort(-scores[0, : int(count.item())], kind="stable")
    ymin, xmin, ymax, xmax = boxes[0, best_first].T
    corners = np.stack([xmin, ymin, xmax, ymax], axis=-1)
    return Detections(classes[0, best_first].astype(np.int64), scores[0, best_first].clip(0, 1), corners.clip(0, 1))


def _outside(values: Array, tolerance: float) -> bool:
    return bool(((values < -tolerance) | (values > 1 + tolerance)).any())
