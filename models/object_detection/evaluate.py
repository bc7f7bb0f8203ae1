"""How well the exported artifact finds the objects of scenes that it has not seen: AP for each class, and their mean.

The average precision is that of PASCAL VOC 2010 and later (Everingham et al., IJCV 111, 2015,
doi:10.1007/s11263-014-0733-5, section 4.2.1): detections of a class are taken best first over all pictures; each
counts as right when it overlaps a box that no better one has taken with an IoU of at least 0.5; AP is the area
under precision over recall, with precision made non-increasing, at every point where recall changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from models.labels import Labels
from models.matching import SHOWN_SCORE, Curve, right
from models.object_detection.dataset import LABELS


class Truth(Protocol):
    """What there is to find: for each picture its boxes [k, 4] as [ymin, xmin, ymax, xmax], and its class ids [k]."""

    @property
    def boxes(self) -> Sequence[NDArray[np.float32]]:
        """Picture by picture."""

    @property
    def classes(self) -> Sequence[NDArray[np.int64]]:
        """Picture by picture."""


@dataclass(frozen=True, slots=True)
class Detections:
    """Of one picture: boxes [k, 4] as [ymin, xmin, ymax, xmax], scores [k], classes [k] from 1."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]


def detect(artifact: Path, pictures: Sequence[NDArray[np.uint8]]) -> list[Detections]:
    """What the SavedModel sees in each picture uint8 [h, w, 3]."""
    serve = tf.saved_model.load(str(artifact)).signatures["serving_default"]
    found = []
    for picture in tqdm(pictures, desc="detecting", unit="scene"):
        found.append(detections(serve(input_tensor=tf.constant(picture[None]))))
    return found


def detections(outputs: Mapping[str, tf.Tensor]) -> Detections:
    """Those in the outputs that the TF Object Detection API gives for one picture."""
    count = int(outputs["num_detections"][0])
    boxes, scores, classes = (
        outputs[f"detection_{name}"][0, :count].numpy() for name in ("boxes", "scores", "classes")
    )
    return Detections(boxes, scores, classes.astype(np.int64))


def curves(truth: Truth, found: Sequence[Detections], labels: Labels = LABELS) -> dict[str, Curve]:
    """The curve of each class that the pictures hold."""
    by_kind = {kind: _curve(truth, found, number) for number, kind in labels.items()}
    return {kind: curve for kind, curve in by_kind.items() if curve.objects}


def map_50(truth: Truth, found: Sequence[Detections], labels: Labels) -> float:
    """The mean of the classes' average precisions; 0 where there was nothing to find."""
    precisions = [curve.average_precision for curve in curves(truth, found, labels).values()]
    return float(np.mean(precisions)) if precisions else 0.0


def summary(truth: Truth, found: Sequence[Detections]) -> dict[str, Any]:
    """The numbers as metrics.json holds them, rounded to four places."""
    by_kind = curves(truth, found)
    precision, recall = precision_and_recall(truth, found, SHOWN_SCORE)
    precisions = {kind: curve.average_precision for kind, curve in by_kind.items()}
    return {
        "map_50": round(float(np.mean(list(precisions.values()))), 4),
        "average_precision_50": {kind: round(value, 4) for kind, value in precisions.items()},
        "at_score": {"score": SHOWN_SCORE, "precision": round(precision, 4), "recall": round(recall, 4)},
        "held_out_objects": {kind: curve.objects for kind, curve in by_kind.items()},
    }


def precision_and_recall(truth: Truth, found: Sequence[Detections], least_score: float) -> tuple[float, float]:
    """Of the detections with this score or more, over all classes."""
    hits, said = 0, 0
    for boxes, classes, seen in zip(truth.boxes, truth.classes, found, strict=True):
        for number in LABELS:
            theirs = (seen.classes == number) & (seen.scores >= least_score)
            hits += int(right(boxes[classes == number], seen.boxes[theirs], seen.scores[theirs]).sum())
            said += int(theirs.sum())
    return hits / max(said, 1), hits / max(sum(len(classes) for classes in truth.classes), 1)


def _curve(truth: Truth, found: Sequence[Detections], number: int) -> Curve:
    are_right, scores, objects = [], [], 0
    for boxes, classes, seen in zip(truth.boxes, truth.classes, found, strict=True):
        theirs = seen.classes == number
        to_find = boxes[classes == number]
        objects += len(to_find)
        scores.append(seen.scores[theirs])
        are_right.append(right(to_find, seen.boxes[theirs], seen.scores[theirs]))
    best_first = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.concatenate(are_right)[best_first].cumsum()
    precision = hits / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return Curve(hits / max(objects, 1), falling, objects)
