"""A model's labels come from model.toml or from the file that the user brought along; ids are kept as written."""

import json

import pytest

from models.labels import read_labels
from models.spec import SpecError, read_spec
from tests.models.conftest import SPEC

LABEL_MAP = """
# as the TensorFlow Object Detection API writes it
item {
  id: 1
  name: 'person'  # a comment
}
item: {
  id: 17
  name: "/m/01yrx"
  display_name: "a \\"cat\\" {tabby}"
}
item { name: "dog" id: 3 }
"""


def spec_with(folder, file: str, task: str = "image-classification"):
    text = SPEC.replace('["tabby", "siamese"]', f'"{file}"').replace("image-classification", task)
    (folder / "model.toml").write_text(text)
    return read_spec(folder / "model.toml")


def test_a_label_map_keeps_its_ids_and_prefers_the_name_for_people(tmp_path):
    (tmp_path / "map.pbtxt").write_text(LABEL_MAP)
    labels = read_labels(spec_with(tmp_path, "map.pbtxt", "object-detection"), tmp_path)
    assert list(labels.items()) == [(1, "person"), (3, "dog"), (17, 'a "cat" {tabby}')]


@pytest.mark.parametrize("content", [["no", "yes"], {"yes": 1, "no": 0}, {"1": "yes", "0": "no"}])
def test_json_may_be_a_list_or_an_object_either_way_round(tmp_path, content):
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert list(read_labels(spec_with(tmp_path, "labels.json"), tmp_path).items()) == [(0, "no"), (1, "yes")]


def test_a_detector_counts_from_one(tmp_path):
    (tmp_path / "labels.json").write_text('["cat", "dog"]')
    assert dict(read_labels(spec_with(tmp_path, "labels.json", "object-detection"), tmp_path)) == {1: "cat", 2: "dog"}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("labels.json", "{", "labels.json"),
        ("labels.json", "[" * 100_000, "labels.json"),
        ("labels.json", "[1, 2]", "is neither a list of names"),
        ("labels.json", '{"a": true, "b": false}', "is neither"),
        ("labels.json", '["a"]', "two labels or more"),
        ("labels.json", '["a", "a"]', "none twice"),
        ("labels.json", '["a", ""]', "none of them empty"),
        ("map.pbtxt", "", "holds no item"),
        ("map.pbtxt", 'item { id: 1 } item { name: "a" }', "no id or no name"),
        ("absent.json", None, "cannot be read; put it there, or list the labels"),
    ],
)
def test_a_file_without_labels_is_named_with_the_remedy(tmp_path, file, content, words):
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(SpecError) as refused:
        read_labels(spec_with(tmp_path, file), tmp_path)
    assert str(refused.value).startswith(f"model.labels: {tmp_path / file}")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
