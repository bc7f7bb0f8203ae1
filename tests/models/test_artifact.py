"""The artifact of each framework, container and task is looked at for what it must hold."""

import pytest

from models.artifact import artifact_faults
from models.spec import read_spec
from tests.models.conftest import SPEC

GPU_TABLE = SPEC[SPEC.index("[endpoints.gpu]") :]


def faults(folder, edits: dict[str, str], files: list[str]) -> list[str]:
    text = SPEC
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "model.toml").write_text(text)
    artifact = folder / "artifact"
    artifact.mkdir(exist_ok=True)
    for file in files:
        (artifact / file).parent.mkdir(exist_ok=True)
        (artifact / file).touch()
    return artifact_faults(read_spec(folder / "model.toml"), artifact)


PYTORCH = {'framework = "tensorflow"': 'framework = "pytorch"\nnetwork = "vgg"'}


def test_pytorch_on_cpu_and_gpu_needs_weights_and_ir(tmp_path):
    (missing,) = faults(tmp_path, PYTORCH, [])
    assert "lacks weights.pth, model.xml, model.bin; write them with python -m models.convert" in missing
    assert faults(tmp_path, PYTORCH, ["weights.pth", "model.xml", "model.bin"]) == []


def test_pytorch_on_cpu_alone_needs_no_weights(tmp_path):
    assert faults(tmp_path, PYTORCH | {GPU_TABLE: ""}, ["model.xml", "model.bin"]) == []


def test_pytorch_that_openvino_refuses_needs_no_export(tmp_path):
    native = {'framework = "tensorflow"': 'framework = "pytorch"\nnetwork = "vgg"\nengine = "native"'}
    assert faults(tmp_path, native, ["weights.pth"]) == []


def test_a_script_needs_itself_or_a_model(tmp_path):
    script = {'framework = "tensorflow"': 'framework = "pytorch"', '"savedmodel"': '"pytorch_script"'}
    (fault,) = faults(tmp_path, script, [])
    assert "holds neither code/inference.py nor model.pth" in fault
    assert faults(tmp_path, script, ["code/inference.py"]) == []


@pytest.mark.parametrize("labels", ['["tabby", "siamese"]', '"label_map.pbtxt"'])
def test_a_frozen_graph_is_an_artifact_of_a_detector(tmp_path, labels):
    detector = {"image-classification": "object-detection", '["tabby", "siamese"]': labels}
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / "label_map.pbtxt").write_text('item { id: 1 name: "a" } item { id: 3 name: "b" }')
    assert faults(tmp_path, detector, ["frozen_inference_graph.pb"]) == []
