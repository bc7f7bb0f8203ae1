"""A trained file becomes an artifact that answers as the network did, or is refused and the old artifact stays."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from PIL import Image

from models.archive import pack, unpack
from models.convert import main
from models.convert_keras import export
from models.registry import ROOT
from tests.containers.model_folder import COLOURS, write_pytorch_spec, write_spec
from tests.containers.server_process import serving
from tests.models.keras_files import chain, keras2_json, network, write_keras2_weights

PICTURES = np.random.default_rng(1).random((4, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def trained():
    return {"small": network(), "chain": chain()}


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "models" / "my_model"
    (folder / "artifact").mkdir(parents=True)
    (folder / "artifact" / "old").write_text("the old artifact")
    write_spec(folder, COLOURS, 32)
    return folder


def write(form: str, model: keras.Model, folder: Path) -> Path:
    """The network in one of the forms that users bring; what to give to the command."""
    if form == "savedmodel":
        export(model, folder / "exported")
        return folder / "exported"
    if form == "keras 2 pair":
        (folder / "model.json").write_text(keras2_json(model))
        write_keras2_weights(model, folder / "weights.h5")
        return folder / "model.json"
    if form == "keras 2 h5":
        write_keras2_weights(model, folder / "whole.hdf5", keras2_json(model))
        return folder / "whole.hdf5"
    if form == "keras 3 pair":
        (folder / "model.json").write_text(model.to_json())
        model.save_weights(folder / "model.weights.h5")
        return folder / "model.json"
    model.save(folder / f"model{form}")
    return folder / f"model{form}"


def answers(folder: Path, pictures: np.ndarray = PICTURES) -> np.ndarray:
    serve = tf.saved_model.load(str(folder / "artifact")).signatures["serving_default"]
    (scores,) = serve(tf.constant(pictures)).values()
    return scores.numpy()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(source: Path, target: Path, capsys, *options: str) -> str:
    """The one line of the refusal, after checking that nothing has changed."""
    assert main([str(source), str(target), *options]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert files(target) == ["artifact", "model.toml"]
    assert files(target / "artifact") == ["old"]
    return told.err


@pytest.mark.parametrize("form", [".keras", ".h5", "keras 2 pair", "keras 2 h5", "keras 3 pair", "savedmodel"])
@pytest.mark.parametrize("name", ["small", "chain"])
def test_the_artifact_answers_as_the_network_did(name, form, trained, target, tmp_path, capsys):
    model = trained[name]
    assert main([str(write(form, model, tmp_path)), str(target)]) == 0
    expected = model(PICTURES, training=False).numpy()
    assert 0.01 < expected.max() < 0.999  # a saturated softmax would hide a difference
    np.testing.assert_allclose(answers(target), expected, atol=1e-5)
    said = capsys.readouterr().out
    assert "[-1, 32, 32, 3]" in said
    assert "[-1, 3]" in said
    assert "size = [32, 32]" in said
    assert "to correct" not in said
    assert files(target) == ["artifact", "model.toml"]
    assert not (target / "artifact" / "old").exists()


def test_a_nested_network_of_keras_2_is_connected_as_it_was(trained, target, tmp_path):
    """A fine-tuned application: there the first call of a model inside a model has number 1."""
    inner, outer = trained["small"], keras.Sequential([keras.Input((32, 32, 3)), trained["small"]])
    described = json.loads(keras2_json(inner))
    picture = {"batch_input_shape": [None, 32, 32, 3], "dtype": "float32", "name": "outer"}
    layers = [
        {"class_name": "InputLayer", "config": picture, "name": "outer", "inbound_nodes": []},
        {**described, "name": "small", "inbound_nodes": [[["outer", 0, 0, {}]]]},
        {
            "class_name": "Activation",
            "config": {"name": "end", "activation": "linear"},
            "name": "end",
            "inbound_nodes": [[["small", 1, 0, {}]]],
        },
    ]
    config = {"name": "tuned", "layers": layers, "input_layers": [["outer", 0, 0]], "output_layers": [["end", 0, 0]]}
    (tmp_path / "model.json").write_text(json.dumps({"class_name": "Model", "config": config}))
    write_keras2_weights(outer, tmp_path / "weights.h5")
    assert main([str(tmp_path / "model.json"), str(target)]) == 0
    np.testing.assert_allclose(answers(target), inner(PICTURES, training=False).numpy(), atol=1e-5)


@pytest.mark.parametrize("form", [".keras", "keras 2 pair", "savedmodel"])
def test_one_sigmoid_becomes_a_column_for_each_label(form, target, tmp_path, capsys):
    model = chain_with_one_unit()
    write_spec(target, ["no", "yes"], 32)
    assert main([str(write(form, model, tmp_path)), str(target), "--sigmoid"]) == 0
    p = model(PICTURES, training=False).numpy()
    np.testing.assert_allclose(answers(target), np.concatenate([1 - p, p], axis=1), atol=1e-5)
    assert "[1 - p, p]" in capsys.readouterr().out


def chain_with_one_unit(activation: str | None = "sigmoid") -> keras.Sequential:
    layers = chain().layers[:-1]
    return keras.Sequential(
        [keras.Input((32, 32, 3), name="picture"), *layers, keras.layers.Dense(1, activation=activation, name="p")]
    )


def test_a_logit_gets_its_sigmoid_and_another_ending_is_refused(target, tmp_path, capsys):
    assert "relu" in refused(write(".keras", chain_with_one_unit("relu"), tmp_path), target, capsys)
    logit = chain_with_one_unit(None)
    assert main([str(write(".keras", logit, tmp_path)), str(target)]) == 0
    p = 1 / (1 + np.exp(-logit(PICTURES, training=False).numpy()))
    np.testing.assert_allclose(answers(target)[:, 1:], p, atol=1e-5)
    assert "the sigmoid that it lacked" in capsys.readouterr().out


def test_insisting_on_a_sigmoid_refuses_three_outputs(trained, target, tmp_path, capsys):
    source = write(".keras", trained["small"], tmp_path)
    assert "leave --sigmoid out" in refused(source, target, capsys, "--sigmoid")


def with_lambda(mark: Path) -> keras.Model:
    """A network that, built without care, writes a file."""
    code = compile(f"lambda x: (open({str(mark)!r}, 'w').close(), x)[1]", "<malicious>", "eval")
    layer = keras.layers.Lambda(eval(code), name="innocent")  # noqa: S307 the attack under test
    mark.unlink(missing_ok=True)
    model = keras.Sequential([keras.Input((32, 32, 3)), layer, keras.layers.Flatten(), keras.layers.Dense(3)])
    mark.unlink(missing_ok=True)
    return model


@pytest.mark.parametrize("form", [".keras", ".h5", "keras 3 pair"])
def test_a_lambda_is_refused_by_name_and_never_run(form, trained, target, tmp_path, capsys):
    mark = tmp_path / "was-run"
    source = write(form, with_lambda(mark), tmp_path)
    mark.unlink(missing_ok=True)
    assert "'innocent' is code (Lambda)" in refused(source, target, capsys)
    assert not mark.exists()
    assert main([str(write(".keras", trained["small"], tmp_path)), str(target)]) == 0


@pytest.mark.parametrize(
    "part",
    [
        {"module": "os", "class_name": "System", "config": {"command": "touch was-run"}, "registered_name": "System"},
        {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "x"}, "registered_name": "get_file"},
        {"module": None, "class_name": "Mine", "config": {}, "registered_name": "package>Mine"},
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"},
        {"class_name": "TFOpLambda", "config": {"name": "tf.math.truediv"}},
    ],
)
def test_anything_that_is_no_layer_of_keras_is_refused(part, trained, target, tmp_path, capsys):
    source = write(".keras", trained["chain"], tmp_path)
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["config"]["activation"] = part
    with zipfile.ZipFile(source, "w") as archive:
        for name, content in (members | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, content)
    assert "SavedModel" in refused(source, target, capsys)


def test_weights_of_another_network_are_refused(trained, target, tmp_path, capsys):
    source = write("keras 2 pair", trained["small"], tmp_path)
    write_keras2_weights(trained["chain"], tmp_path / "weights.h5")
    assert "weights.h5: the weights do not fit the network" in refused(source, target, capsys)
    write_keras2_weights(trained["small"], tmp_path / "weights.h5")
    write_keras2_weights(trained["chain"], tmp_path / "other.h5")
    assert "--weights" in refused(source, target, capsys)
    assert main([str(source), str(target), "--weights", str(tmp_path / "weights.h5")]) == 0


@pytest.mark.parametrize(
    "name", ["model.keras", "model.h5", "model.json", "model.onnx", "model.pth", "absent.keras", "folder"]
)
def test_what_cannot_be_read_is_refused_with_its_name(name, trained, target, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    if not name.startswith(("absent", "folder")):
        (tmp_path / name).write_bytes(b"PK\x03\x04 not what it says")
    (tmp_path / "weights.hdf5").touch()
    assert name in refused(tmp_path / name, target, capsys)
    assert main([str(write(".keras", trained["small"], tmp_path)), str(target)]) == 0


@pytest.mark.parametrize("config", [{"layers": [1]}, {"layers": [{"class_name": "Dense"}]}, [], [3]])
def test_a_description_with_holes_is_refused(config, target, tmp_path, capsys):
    (tmp_path / "model.json").write_text(json.dumps({"class_name": "Functional", "config": config}))
    (tmp_path / "weights.h5").touch()
    assert "model.json: Keras" in refused(tmp_path / "model.json", target, capsys)


def test_a_file_of_labels_outlives_the_old_weights(trained, target, tmp_path):
    spec = target / "model.toml"
    lines = [line for line in spec.read_text().splitlines() if "labels =" not in line]
    spec.write_text("\n".join(lines).replace('version = "1.2.3"', 'version = "1.2.3"\nlabels = "labels.json"'))
    (target / "artifact" / "labels.json").write_text('["a", "b", "c"]')
    assert main([str(write(".keras", trained["small"], tmp_path)), str(target)]) == 0
    assert json.loads((target / "artifact" / "labels.json").read_text()) == ["a", "b", "c"]


def test_a_saved_model_with_a_link_or_without_its_variables_is_refused(trained, target, tmp_path, capsys):
    source = write("savedmodel", trained["chain"], tmp_path)
    data = source / "variables" / "variables.data-00000-of-00001"
    data.rename(tmp_path / "data")
    assert "lacks some of its files" in refused(source, target, capsys)
    data.symlink_to(tmp_path / "data")
    assert "is a link" in refused(source, target, capsys)
    data.unlink()
    (tmp_path / "data").rename(data)
    (source / "model.toml").write_text("not wanted in the archive")
    assert main([str(source), str(target)]) == 0
    assert "model.toml" not in files(target / "artifact")


class _Malicious:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def brain(target):
    write_pytorch_spec(target, "brain_tumor", "cnn_4layers")
    return target


def state_dict() -> dict[str, torch.Tensor]:
    from brain_tumor.networks.cnn_4layers import build  # noqa: PLC0415

    torch.manual_seed(3)
    return build(len(COLOURS), {}).state_dict()


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_not_run(as_zip, brain, tmp_path, capsys):
    mark, source = tmp_path / "was-run", tmp_path / "weights.pth"
    if as_zip:
        torch.save({"weight": _Malicious(mark)}, source)
    else:
        source.write_bytes(pickle.dumps(_Malicious(mark)))
    assert str(source) in refused(source, brain, capsys)
    assert not mark.exists()
    torch.save(state_dict(), source)
    assert main([str(source), str(brain)]) == 0


def test_weights_of_pytorch_become_both_files(brain, tmp_path, capsys):
    source = tmp_path / "best.pt"
    torch.save({"epoch": 3, "model_state_dict": state_dict()}, source)
    assert main([str(source), str(brain)]) == 0
    assert files(brain / "artifact") == ["model.bin", "model.xml", "weights.pth"]
    assert "[1, 3, 32, 32]" in capsys.readouterr().out


def test_weights_of_another_pytorch_network_are_refused(brain, tmp_path, capsys):
    source = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(3, 3)}, source)
    assert "does not fit the network cnn_4layers with 3 labels" in refused(source, brain, capsys)


def test_the_framework_of_model_toml_must_be_that_of_the_file(trained, target, tmp_path, capsys):
    torch.save(state_dict(), tmp_path / "weights.pth")
    assert "model.framework is tensorflow" in refused(tmp_path / "weights.pth", target, capsys)
    (target / "model.toml").unlink()
    assert main([str(write(".keras", trained["small"], tmp_path)), str(target)]) == 0


def test_says_which_line_of_model_toml_does_not_fit_yet(trained, target, tmp_path, capsys):
    write_spec(target, ["only", "two"], 64)
    assert main([str(write(".keras", trained["small"], tmp_path)), str(target)]) == 0
    said = capsys.readouterr().out
    assert "to correct: model.labels: 2 labels, but the model gives 3 numbers" in said
    assert "to correct: input.size" in said


def test_a_server_answers_with_a_converted_model_of_keras_2(trained, target, tmp_path):
    model = trained["small"]
    assert main([str(write("keras 2 pair", model, tmp_path)), str(target)]) == 0
    served = tmp_path / "served"
    unpack(pack(target / "model.toml", target / "artifact", tmp_path / "model.tar.gz"), served)
    pixels = (PICTURES[0] * 255).astype(np.uint8)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    expected = model(pixels[None].astype(np.float32) / 255, training=False).numpy()[0]
    with serving(served, tmp_path / "server.log") as server:
        scores = server.predict(png.getvalue(), "image/png").scores()
    assert [scores[label] for label in COLOURS] == pytest.approx(expected, abs=1e-4)


def test_the_command_says_one_line_and_exits_with_1(tmp_path):
    command = [sys.executable, "-m", "models.convert", str(tmp_path / "absent.keras"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / 'absent.keras'}: there is no such file or folder; check the path\n"
