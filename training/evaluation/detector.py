"""The measures of a detector, each over many resamples of the pictures at once, and its curves.

Average precision is that of PASCAL VOC 2010 and later (models/matching.py has the rule): the area
under precision over recall, with precision made non-increasing, as the score to accept falls; map_50 is its mean over
the classes that have an object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.matching import SHOWN_SCORE, Curve, matches
from training.evaluation.bootstrap import Floats


@dataclass(frozen=True, slots=True)
class Objects:
    """What is in one picture: boxes [k, 4] as x0, y0, x1, y1 in fractions, and the place of each label, [k]."""

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]

    def __str__(self) -> str:
        """Its numbers, alike for what is alike."""
        return f"{self.boxes.tolist()} {self.classes.tolist()}"


@dataclass(frozen=True, slots=True)
class Found(Objects):
    """What a model finds in one picture, with the score of each, [k]; a class that is no label is -1."""

    scores: NDArray[np.float32]

    def matched(self, truth: Objects) -> NDArray[np.int64]:
        """For each of them the place in `truth` of the object that it is right about, or -1, [k]."""
        places = np.full(len(self.classes), -1)
        for one in np.unique(self.classes):
            theirs, to_find = np.flatnonzero(self.classes == one), np.flatnonzero(truth.classes == one)
            found = matches(truth.boxes[to_find], self.boxes[theirs], self.scores[theirs])
            places[theirs[found >= 0]] = to_find[found[found >= 0]]
        return places


class DetectorMeasures:
    """map_50, and precision and recall of what is shown (a score of 0.3 or more), as bootstrap.Measures of pictures.

    A class without an object in the resample is left out of map_50; without any object, it is not defined.
    """

    def __init__(self, truth: Sequence[Objects], found: Sequence[Found], classes: int) -> None:
        hits = [seen.matched(objects) >= 0 for objects, seen in zip(truth, found, strict=True)]
        self._classes = [_OneClass(truth, found, hits, one) for one in range(classes)]
        shown = [seen.scores >= SHOWN_SCORE for seen in found]
        self._shown = np.array([one.sum() for one in shown], np.float64)
        self._right = np.array([(one & hit).sum() for one, hit in zip(shown, hits, strict=True)], np.float64)
        self._objects = np.array([len(objects.classes) for objects in truth], np.float64)

    def __call__(self, weights: Floats) -> Mapping[str, Floats]:
        """Weights [r, n] of the pictures -> the value of each measure, [r]."""
        precisions, objects = zip(*(one.average_precision(weights) for one in self._classes), strict=True)
        there = np.stack(objects, axis=1) > 0
        total, count = np.where(there, np.stack(precisions, axis=1), 0).sum(axis=1), there.sum(axis=1)
        right_shown, shown, all_objects = (weights @ kind for kind in (self._right, self._shown, self._objects))
        return {
            "map_50": np.where(count > 0, total / np.maximum(count, 1), np.nan),
            "precision": np.where(all_objects > 0, right_shown / np.maximum(shown, 1), np.nan),
            "recall": np.where(all_objects > 0, right_shown / np.maximum(all_objects, 1), np.nan),
        }

    def curves(self) -> list[Curve]:
        """The curve of each class on the pictures as they are."""
        return [one.curve() for one in self._classes]


class _OneClass:
    """The detections of one class over all pictures, best first: only where a right one stands does recall change."""

    def __init__(
        self, truth: Sequence[Objects], found: Sequence[Found], hits: Sequence[NDArray[np.bool_]], number: int
    ) -> None:
        theirs = [seen.classes == number for seen in found]
        scores = np.concatenate([seen.scores[own] for seen, own in zip(found, theirs, strict=True)])
        hit = np.concatenate([one[own] for one, own in zip(hits, theirs, strict=True)])
        picture = np.repeat(np.arange(len(found)), [int(own.sum()) for own in theirs])
        best_first = np.argsort(-scores, kind="stable")
        hit, picture = hit[best_first], picture[best_first]
        self._pictures_of_hits = picture[hit]
        self._objects = np.array([(objects.classes == number).sum() for objects in truth], np.float64)
        before = hit.cumsum() - hit  # the right ones that stand before each detection
        until = np.zeros((len(found), int(hit.sum()) + 1))
        np.add.at(until, (picture, before), 1)
        self._until = until.cumsum(axis=1)[:, :-1]  # of each picture, the detections up to each right one

    def average_precision(self, weights: Floats) -> tuple[Floats, Floats]:
        """Of each resample, and how many objects of this class it holds."""
        repeats, falling, objects = self._falling(weights)
        return (repeats * falling).sum(axis=1) / np.maximum(objects, 1), objects

    def curve(self) -> Curve:
        """On the pictures as they are."""
        repeats, falling, objects = self._falling(np.ones((1, len(self._objects))))
        return Curve(repeats[0].cumsum() / max(objects[0], 1), falling[0], int(objects[0]))

    def _falling(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """How often each right detection is there [r, hits], the precision there made falling, and the objects [r]."""
        repeats = weights[:, self._pictures_of_hits]
        precision = repeats.cumsum(axis=1) / np.maximum(weights @ self._until, 1)
        falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        return repeats, falling, weights @ self._objects
