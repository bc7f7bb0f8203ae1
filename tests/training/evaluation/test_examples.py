"""Examples are read as they lie, and what cannot be one is refused in one line."""

import json
import re

import numpy as np
import pytest

from training.data.examples import labelled_examples
from training.errors import EmptyChannel, TrainingError, UnusableData
from training.evaluation.examples import annotated_examples, digest, refuse_absent

LABELS = ("cat", "dog")


@pytest.fixture
def folder(tmp_path):
    for name in ("cat/a.png", "cat/more/b.png", "dog/c.png", "dog/.hidden"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return tmp_path


def test_refuses_a_file_that_is_not_there(folder):
    (folder / "labels.csv").write_text("path,label\ncat/a.png,cat\ncat/z.png,cat\n")
    examples = labelled_examples(folder, LABELS)
    with pytest.raises(UnusableData, match=r"'cat/z\.png' is no file among the data"):
        refuse_absent(examples)
    refuse_absent(examples[:1])


def test_the_digest_is_of_the_content_and_its_labels_alone(folder):
    before = digest(labelled_examples(folder, LABELS))
    (folder / "cat/a.png").rename(folder / "cat/z.png")
    assert digest(labelled_examples(folder, LABELS)) == before
    (folder / "cat/z.png").rename(folder / "dog/z.png")
    relabelled = digest(labelled_examples(folder, LABELS))
    (folder / "dog/z.png").write_bytes(b"another")
    assert len({before, relabelled, digest(labelled_examples(folder, LABELS))}) == 3


def line(*objects, image="cat/a.png") -> str:
    return json.dumps({"image": image, "objects": [{"label": label, "box": box} for label, box in objects]})


def test_a_line_says_what_is_in_a_picture(folder):
    (folder / "objects.jsonl").write_text(line(("dog", [0, 0.25, 0.5, 1])) + "\n\n" + line(image="dog/c.png"))
    first, empty = annotated_examples(folder, LABELS)
    assert (first.name, first.truth.classes.tolist()) == ("cat/a.png", [1])
    np.testing.assert_array_equal(first.truth.boxes, np.array([[0, 0.25, 0.5, 1]], np.float32))
    assert empty.truth.boxes.shape == (0, 4)
    assert len(digest([first, empty])) == 64


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "line 1: is not as it should be"),
        ("[]", "line 1: is not as it should be"),
        ('{"image": "cat/a.png", "objects": [{"label": "cat"}]}', "is not as it should be"),
        (line(("bird", [0, 0, 1, 1])), "'bird' is no label"),
        (line(("cat", [0, 0, 100, 100])), "in fractions from 0 to 1"),
        (line(("cat", [0.5, 0, 0.2, 1])), "in fractions from 0 to 1"),
        (line(("cat", [0, 0, 1])), "is not as it should be"),
        (line(image="../no.png"), "'../no.png' leads out of"),
        ("\n", "holds no picture"),
    ],
)
def test_refuses_annotations_that_are_none(folder, content, words):
    (folder / "objects.jsonl").write_text(content)
    with pytest.raises(TrainingError, match=re.escape(words)) as refusal:
        annotated_examples(folder, LABELS)
    assert "\n" not in refusal.value.line
    (folder / "objects.jsonl").write_text(line(("cat", [0, 0, 1, 1])))
    assert len(annotated_examples(folder, LABELS)) == 1


def test_asks_for_annotations_where_there_are_none(folder):
    with pytest.raises(EmptyChannel, match=r"put one \*\.jsonl there"):
        annotated_examples(folder, LABELS)
