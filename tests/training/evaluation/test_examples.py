"""Examples are read as they lie, and what cannot be one is refused in one line."""

import json
import re

import numpy as np
import pytest

from training.errors import EmptyChannel, TrainingError, UnknownLabel, UnusableData
from training.evaluation.examples import annotated_examples, digest, labelled_examples

LABELS = ("cat", "dog")


@pytest.fixture
def folder(tmp_path):
    for name in ("cat/a.png", "cat/more/b.png", "dog/c.png", "dog/.hidden"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return tmp_path


def truths(data) -> dict[str, int]:
    return {example.name: example.truth for example in labelled_examples(data, LABELS)}


def test_a_directory_is_a_label(folder):
    assert truths(folder) == {"cat/a.png": 0, "cat/more/b.png": 0, "dog/c.png": 1}


def test_a_table_names_paths_and_labels_whichever_way_it_is_given(folder):
    table = folder / "labels.csv"
    table.write_text("label,path\ndog,cat/a.png\ncat,dog/c.png\n", encoding="utf-8-sig")
    assert truths(folder) == truths(table) == {"cat/a.png": 1, "dog/c.png": 0}


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("file,class\na,b\n", UnusableData, "has no columns path and label"),
        ("path,label\ncat/a.png,bird\n", UnknownLabel, "line 2: 'bird' is no label of the model; name one of cat, dog"),
        ("path,label\ncat/z.png,cat\n", UnusableData, "line 2: 'cat/z.png' is no file in"),
        ("path,label\n../../etc/passwd,cat\n", UnusableData, "is no file in"),
        ("path,label\ncat/a.png\n", UnknownLabel, "'' is no label"),
        ("path,label\n", EmptyChannel, "holds no example"),
    ],
)
def test_refuses_a_table_that_is_none_and_says_the_line(folder, content, error, words):
    (folder / "labels.csv").write_text(content)
    with pytest.raises(error, match=re.escape(words)):
        labelled_examples(folder, LABELS)
    (folder / "labels.csv").write_text("path,label\ncat/a.png,cat\n")
    assert truths(folder) == {"cat/a.png": 0}


def test_refuses_a_directory_that_is_no_label_and_a_table_in_no_text(folder):
    (folder / "bird").mkdir()
    with pytest.raises(UnknownLabel, match="bird: a directory: 'bird' is no label"):
        labelled_examples(folder, LABELS)
    (folder / "bird").rmdir()
    (folder / "labels.csv").write_bytes(b"path,label\n\xff\xfe,cat\n")
    with pytest.raises(UnusableData, match="is no text in UTF-8"):
        labelled_examples(folder, LABELS)
    (folder / "labels.csv").unlink()
    assert len(truths(folder)) == 3


def test_refuses_nothing_and_two_tables(folder):
    with pytest.raises(EmptyChannel, match="a directory per label, or a CSV"):
        labelled_examples(folder / "nowhere", LABELS)
    for name in ("one.csv", "two.csv"):
        (folder / name).write_text("path,label\n")
    with pytest.raises(UnusableData, match=r"holds 2 files \*\.csv"):
        labelled_examples(folder, LABELS)


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
        (line(image="no.png"), "'no.png' is no file in"),
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
