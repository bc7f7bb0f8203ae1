"""What a user's inference.py leaves out has a documented default, which never runs what it is sent."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from contract.errors import ModelOutputInvalid
from pytorch_script import defaults
from tests.containers.pictures import BLUE, encoded, solid
from tests.containers.scripts.archives import CSV, JSON, NPY, Double, MeanColour, archive, fails, numbers
from tests.containers.scripts.network import Gestures
from tests.containers.server_process import serving


class Harm:
    """A pickle that makes a file when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def huge() -> bytes:
    """A header that announces 400 TB."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": (10**14,)})
    return out.getvalue()


@pytest.fixture(scope="module")
def double(tmp_path_factory, logs):
    """A server of nothing but a TorchScript model.pth."""
    folder = archive(tmp_path_factory.mktemp("double") / "double", module=Double())
    with serving(folder, logs / "double.log") as started:
        yield started


def test_a_torchscript_module_alone_is_served(double):
    assert numbers(double.predict_json([[1, 2.5], [3, 4]])) == [[2, 5], [6, 8]]
    assert numbers(double.predict(b"1,2.5\n3,4\n", CSV)) == [[2, 5], [6, 8]]
    assert numbers(double.predict(b"1,2.5\n", CSV)) == [2, 5]


def test_numbers_go_in_and_out_as_csv_and_npy(double):
    reply = double.predict(npy(np.arange(6).reshape(2, 3)), NPY, accept=NPY)
    assert reply.headers["content-type"] == NPY
    assert np.load(io.BytesIO(reply.response.content)).tolist() == [[0, 2, 4], [6, 8, 10]]
    reply = double.predict_json([[0.05, 1], [2, 3]], accept=CSV)
    assert (reply.headers["content-type"], reply.response.text) == (CSV, "0.1,2.0\n4.0,6.0\n")


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b'["a"]', JSON, "INVALID_ARRAY"),
        (b'["1"]', JSON, "INVALID_ARRAY"),
        (b"[null]", JSON, "INVALID_ARRAY"),
        (b"[[1], [1, 2]]", JSON, "INVALID_ARRAY"),
        (b"[]", JSON, "INVALID_ARRAY"),
        (b"[1e300]", JSON, "INVALID_ARRAY"),
        (b"[NaN]", JSON, "MALFORMED_JSON"),
        (b"a,b", CSV, "INVALID_ARRAY"),
        (b"1,nan", CSV, "INVALID_ARRAY"),
        (b"\xff\xfe", CSV, "INVALID_ARRAY"),
        (b"\x93NUMPY garbage", NPY, "INVALID_ARRAY"),
        (huge(), NPY, "INVALID_ARRAY"),
        (npy(np.array(["1"])), NPY, "INVALID_ARRAY"),
        (b"hello", "text/plain", "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_numbers_that_are_none_are_refused(double, body, content_type, code):
    assert double.predict(body, content_type).code == code
    assert double.predict_json([1]).status == 200


def test_an_npy_file_with_a_pickle_is_refused_and_not_run(double, tmp_path):
    body = npy(np.array([Harm(tmp_path / "harmed")], object))
    assert double.predict(body, NPY).code == "INVALID_ARRAY"
    assert not (tmp_path / "harmed").exists()
    assert double.predict_json([1]).status == 200


def test_a_picture_is_prepared_as_model_toml_says(tmp_path, logs):
    folder = archive(tmp_path / "mean", module=MeanColour())
    with serving(folder, logs / "mean.log") as server:
        assert numbers(server.predict(encoded(solid(BLUE)), "image/png")) == [[0, 0, 1]]
        refused = server.predict(b"hello there", "image/png")
        assert refused.code == "UNSUPPORTED_MEDIA_TYPE"
        assert "image/png" in refused.response.text
        assert server.predict(encoded(solid(BLUE))[:60], "image/png").code == "IMAGE_UNDECODABLE"
        assert numbers(server.predict(encoded(solid(BLUE)), "image/png")) == [[0, 0, 1]]


def test_a_network_that_model_fn_leaves_in_training_is_evaluated(tmp_path, logs):
    script = """
        import torch
        def model_fn(model_dir):
            return torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(2, eps=0))
        def output_fn(prediction, accept):
            prediction += 1  # what inference_mode would refuse
            return str(prediction.tolist())
    """
    with serving(archive(tmp_path / "training", script), logs / "training.log") as server:
        for _ in range(3):
            assert numbers(server.predict_json([[1, 2]])) == [[2, 3]]


def test_the_default_output_is_what_was_predicted():
    tensor = torch.tensor([[0.5, 2]])
    predicted = {
        "[[0.5, 2.0]]": tensor.requires_grad_(),
        "[[0.5, 2.0]] ": tensor.bfloat16(),
        "[1, 0]": torch.tensor([[0, 1], [1, 0]]).argmax(-1),
        '{"label": "cat", "scores": [[0.5, 2.0]], "size": [1, 2]}': {
            "label": "cat",
            "scores": tensor,
            "size": np.array([1, 2]),
        },
        '"cat"': "cat",
        "[[0.5, 2.0], 3]": (np.array([0.5, 2]), np.int64(3)),
    }
    for text, prediction in predicted.items():
        assert defaults.output_fn(prediction, JSON) == (text.strip().encode(), JSON)
    whole = torch.tensor([1_234_567_890, 2])
    assert defaults.output_fn(whole, CSV) == (b"1234567890\n2\n", CSV)
    assert np.load(io.BytesIO(defaults.output_fn(whole, NPY)[0])).dtype == np.int64
    assert defaults.output_fn(tensor.bfloat16(), CSV) == (b"0.5,2.0\n", CSV)
    assert defaults.output_fn(torch.zeros(2, 2, 2), CSV) == (b"0.0,0.0,0.0,0.0\n" * 2, CSV)
    assert defaults.output_fn(torch.zeros(0, 3), CSV) == (b"", CSV)
    assert json.loads(defaults.output_fn(torch.zeros(0, 3), JSON)[0]) == []


@pytest.mark.parametrize("accept", [JSON, CSV, NPY])
@pytest.mark.parametrize(
    "prediction", [[float("nan")], torch.tensor([torch.inf]), object(), b"bytes", {("a",): 1}, [torch.nan, "a"]]
)
def test_a_prediction_that_is_no_number_is_withheld(prediction, accept):
    with pytest.raises(ModelOutputInvalid):
        defaults.output_fn(prediction, accept)


@pytest.mark.parametrize("accept", [CSV, NPY])
def test_only_numbers_are_given_as_csv_and_npy(accept):
    with pytest.raises(ModelOutputInvalid):
        defaults.output_fn({"label": "cat"}, accept)


def test_the_one_model_file_is_found_by_its_ending(tmp_path):
    torch.jit.script(Double()).save(str(tmp_path / "traced_v2.pt"))
    (tmp_path / "model.toml").touch()
    assert defaults.model_fn(tmp_path)(torch.ones(1)).tolist() == [2]
    (tmp_path / "model.pth").write_bytes(b"another")
    with pytest.raises(Exception, match=r"^model\.pth does not load"):
        defaults.model_fn(tmp_path)


def test_a_state_dict_needs_its_own_model_fn(start, tmp_path):
    folder = archive(tmp_path / "weights", "def predict_fn(d, m):\n    return d")
    torch.save(Gestures(2).state_dict(), folder / "model.pth")
    assert "define model_fn in code/inference.py" in fails(start(folder))["reason"]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_not_run(start, tmp_path, zipped):
    folder, harmed = archive(tmp_path / "harm"), tmp_path / "harmed"
    torch.save(Harm(harmed), folder / "model.pth", _use_new_zipfile_serialization=zipped)
    assert "define model_fn in code/inference.py" in fails(start(folder))["reason"]
    assert not harmed.exists()
    pickle.loads(pickle.dumps(Harm(harmed)))  # noqa: S301 the pickle is alive
    assert harmed.exists()
