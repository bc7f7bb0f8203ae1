"""What a channel of pictures holds is read by its folders or its CSV file, and weighed by label."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import MASK, save_pictures
from training.data.class_weights import class_weights
from training.data.examples import Example, labelled_examples, refuse_missing
from training.errors import EmptyChannel, UnknownLabel, UnusableData

LABELS = ("No DR", "Mild")


def channel_of(folder: Path, **counts: int) -> Path:
    for name, count in counts.items():
        save_pictures(folder / name, count)
    return folder


def with_table(folder: Path, text: str) -> Path:
    save_pictures(folder / "all", 4)
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_is_a_label_and_its_number_is_that_of_model_toml(tmp_path):
    channel = channel_of(tmp_path / "training", without_mask=2, with_mask=3)
    (channel / "with_mask" / "clinic 2").mkdir()
    (channel / "with_mask" / "0.png").rename(channel / "with_mask" / "clinic 2" / "0.png")
    (channel / "with_mask" / ".DS_Store").touch()
    (channel / ".ipynb_checkpoints").mkdir()
    examples = labelled_examples(channel, MASK)
    assert Counter(one.truth for one in examples) == {0: 3, 1: 2}
    assert all(one.file.is_relative_to(channel / MASK[one.truth]) for one in examples)


@pytest.mark.parametrize("header", ["path,label", "label,image", "id,image,label"])
def test_a_table_beside_the_pictures_labels_them(tmp_path, header):
    rows = [{"id": "7", "path": f"all/{n}.png", "image": f"all/{n}.png", "label": LABELS[n % 2]} for n in range(4)]
    lines = [",".join(row[name] for name in header.split(",")) for row in rows]
    channel = with_table(tmp_path / "training", "\ufeff" + "\r\n".join([header, *lines]))
    assert labelled_examples(channel, LABELS) == [
        Example(channel / "all" / f"{n}.png", f"all/{n}.png", n % 2) for n in range(4)
    ]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("path,label\nall/0.png,Severe\n", UnknownLabel, "labels.csv, line 2: 'Severe' is no label of this model"),
        ("file,grade\nall/0.png,Mild\n", UnusableData, "no columns path and label"),
        ("path,label\nall/0.png\n", UnusableData, "line 2: the path or the label is missing"),
        ("path,label\n../secret.png,Mild\n", UnusableData, "leads out of training"),
        ("path,label\n/etc/passwd,Mild\n", UnusableData, "leads out of training"),
        ('path,label\n"all/0.png,Mild\n', UnusableData, "is no CSV in UTF-8"),
        ("path,label\n", EmptyChannel, "holds no example"),
    ],
)
def test_refuses_a_table_by_its_line(tmp_path, text, error, said):
    channel = with_table(tmp_path / "training", text)
    with pytest.raises(error) as refused:
        labelled_examples(channel, LABELS)
    assert said in str(refused.value)
    (channel / "labels.csv").write_text("path,label\nall/0.png,No DR\nall/1.png, Mild \n")
    assert [one.truth for one in labelled_examples(channel, LABELS)] == [0, 1]


def test_refuses_a_table_that_is_not_text_and_two_tables(tmp_path):
    channel = with_table(tmp_path / "training", "")
    (channel / "labels.csv").write_bytes(b"path,label\n\xff\xfe,Mild\n")
    with pytest.raises(UnusableData, match="no CSV in UTF-8"):
        labelled_examples(channel, LABELS)
    (channel / "more.csv").touch()
    with pytest.raises(UnusableData, match=r"labels\.csv and more\.csv; leave one"):
        labelled_examples(channel, LABELS)


def test_refuses_pictures_without_a_folder_for_each_label(tmp_path):
    save_pictures(tmp_path / "training", 3)
    with pytest.raises(EmptyChannel, match=r"put the examples into one for each label \(with_mask, without_mask\)"):
        labelled_examples(tmp_path / "training", MASK)


def test_is_called_as_it_lies_and_a_table_may_be_given_by_itself(tmp_path):
    channel = with_table(tmp_path / "training", "label,path\nMild,all/0.png\n")
    assert labelled_examples(channel / "labels.csv", LABELS) == labelled_examples(channel, LABELS)
    (channel / "labels.csv").unlink()
    (channel / "all").rename(channel / "Mild")
    assert [one.name for one in labelled_examples(channel, LABELS)] == [f"Mild/{n}.png" for n in range(4)]


def test_refuses_a_folder_that_is_no_label_and_none_at_all(tmp_path):
    channel = channel_of(tmp_path / "training", with_mask=1, with_hat=1)
    with pytest.raises(UnknownLabel, match="the folder training/with_hat: 'with_hat' is no label of this model"):
        labelled_examples(channel, MASK)
    with pytest.raises(EmptyChannel, match="nowhere has no folders"):
        labelled_examples(tmp_path / "nowhere", MASK)


def test_refuses_a_label_without_an_example(tmp_path):
    examples = labelled_examples(channel_of(tmp_path / "training", with_mask=2), MASK)
    with pytest.raises(EmptyChannel, match="training has no picture of without_mask"):
        refuse_missing(examples, MASK, "training has")


def test_labels_count_alike_whatever_their_number():
    labels = np.array([0] * 90 + [1] * 10)
    weights = class_weights(labels, 2)
    assert weights.tolist() == pytest.approx([100 / 180, 100 / 20])
    assert weights[labels].sum() == pytest.approx(100)
