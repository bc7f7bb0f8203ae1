"""What a detector was judged by, in the form that the evaluation asks the served model about."""

from pathlib import Path

import numpy as np

from models.labels import Labels
from models.object_detection.records import Records
from training.data.examples import Example
from training.evaluation.detector import Objects

_MOST = 1000  # pictures, evenly spread: they are written out once more
_XY = [1, 0, 3, 2]  # the Object Detection API has y before x


def as_examples(records: Records, labels: Labels, folder: Path) -> list[Example[Objects]]:
    """Writes the pictures of `records` to `folder`, as the network was shown them: what EXIF says has no part in it."""
    places, count = {number: place for place, number in enumerate(labels)}, len(records.places)
    examples = []
    for at in np.linspace(0, count, min(count, _MOST), endpoint=False, dtype=np.int64).tolist():
        file = folder / f"{at:06}.png"
        records.image(at).save(file, compress_level=1)
        classes = np.array([places[int(one)] for one in records.classes[at]], np.int64)
        examples.append(Example(file, file.name, Objects(records.boxes[at][:, _XY], classes)))
    return examples
