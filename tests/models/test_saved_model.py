"""The signature is read from the bytes that TensorFlow writes, and damaged bytes are refused."""

import pytest

from models.registry import load_models
from models.saved_model import NotASavedModel, read_signature
from tests.models.conftest import saved_model


def test_reads_the_signature_of_every_model_of_this_repository():
    classifiers = [model for model in load_models() if model.spec.model.task == "image-classification"]
    for model in classifiers:
        if model.spec.model.framework != "tensorflow":
            continue
        signature = read_signature(model.artifact)
        assert [shape[-1] for shape in signature.outputs.values()] == [len(model.labels)]
        assert [len(shape) for shape in signature.inputs.values()] == [4]


def test_reads_names_and_unknown_sizes(repository):
    signature = read_signature(repository.model / "artifact")
    assert (signature.inputs, signature.outputs) == ({"x": (-1, 64, 48, 3)}, {"y": (-1, 2)})


def test_refuses_a_model_without_the_serving_signature(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(saved_model([1], [1], name=b"train"))
    with pytest.raises(NotASavedModel, match="no serving_default"):
        read_signature(tmp_path)


def test_refuses_bytes_cut_anywhere(tmp_path):
    whole = saved_model([-1, 8, 8, 3], [-1, 2])
    for length in range(len(whole)):
        (tmp_path / "saved_model.pb").write_bytes(whole[:length])
        with pytest.raises(NotASavedModel):
            read_signature(tmp_path)


@pytest.mark.parametrize("content", [b"\xff" * 50, b"\x07\x07", b"<html>", b"\x12\xff\xff\xff\xff\x0f"])
def test_refuses_other_bytes(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(NotASavedModel):
        read_signature(tmp_path)
