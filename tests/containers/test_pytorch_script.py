"""A user's inference.py runs unmodified, its faults stay its own, and what it leaves out has a documented default."""

import io
import json
import shutil
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from models.archive import pack, unpack
from tests.containers.model_folder import write_spec
from tests.containers.pictures import BLUE, encoded, solid
from tests.containers.scripts.network import Gestures
from tests.containers.server_process import serving

SCRIPTS = Path(__file__).parent / "scripts"
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
ACCEPTS = f'accepts = ["{JSON}", "{CSV}", "{NPY}", "image/png"]'
POINTS = [[[1.0, 0.0]] * 54] * 3


class MeanColour(torch.nn.Module):
    """(n, 3, h, w) -> (n, 3)."""

    def forward(self, x):
        return x.mean((2, 3))


class Double(torch.nn.Module):
    def forward(self, x):
        return 2 * x


def archive(folder: Path, script: str | None = None, module: torch.nn.Module | None = None, size: int = 8) -> Path:
    """A model folder with code/inference.py and a TorchScript model.pth."""
    (folder / "code").mkdir(parents=True)
    if script is not None:
        (folder / "code" / "inference.py").write_text(textwrap.dedent(script))
    if module is not None:
        torch.jit.script(module).save(str(folder / "model.pth"))
    write_spec(
        folder,
        ["a", "b"],
        size,
        more=f'{ACCEPTS}\nlayout = "NCHW"',
        framework='"pytorch"',
        container="pytorch_script",
    )
    return folder


def numbers(reply) -> np.ndarray:
    assert reply.status == 200, reply.response.text
    return np.array(reply.json())


def fails(server) -> dict:
    """The one error line of a server that ends without ever having been ready."""
    pings = set()
    while server.process.poll() is None:
        pings.add(server.ping() if '"listening"' in server.said() else None)
        time.sleep(0.05)
    assert server.process.poll() == 1
    assert 200 not in pings
    (error,) = (line for line in server.log_lines() if line["level"] == "error")
    return error


@pytest.fixture(scope="module")
def gestures(tmp_path_factory):
    """The folder as SageMaker unpacks it from a model.tar.gz."""
    made = tmp_path_factory.mktemp("made") / "gestures"
    (made / "code").mkdir(parents=True)
    shutil.copy(SCRIPTS / "gestures.py", made / "code" / "inference.py")
    shutil.copy(SCRIPTS / "network.py", made / "code")
    (made / "code" / "labels.json").write_text('["HELLO", "THANKS", "YES"]')
    network = Gestures(3)
    network.load_state_dict({"fc.weight": torch.tensor([[4.0, 0], [2, 0], [0, 4]]), "fc.bias": torch.zeros(3)})
    torch.save(network.state_dict(), made / "model.pth")
    spec = made.parent / "spec" / "gestures"
    spec.mkdir(parents=True)
    write_spec(spec, ["HELLO", "THANKS", "YES"], 8, framework='"pytorch"', container="pytorch_script")
    folder = made.parent / "unpacked"
    unpack(pack(spec / "model.toml", made, made.parent / "model.tar.gz"), folder)
    return folder


def test_a_published_script_runs_unmodified(gestures, logs):
    with serving(gestures, logs / "gestures.log", SAGEMAKER_PROGRAM="inference.py") as server:
        answer = server.predict_json({"keypoints_list": POINTS})
        assert answer.headers["content-type"] == JSON
        assert [instance["gloss"] for instance in answer.json()["instances"]] == ["HELLO", "THANKS"]
        failed = server.predict_json({"points": 1})
        assert (failed.status, failed.code) == (502, "MODEL_FAILED")
        assert "keypoints_list" not in failed.response.text
        assert server.predict(b"\xff\xfe", JSON).code == "MALFORMED_JSON"
        assert server.predict_json({"keypoints_list": POINTS}).json() == answer.json()
        said = server.said()
    assert "loaded " in said
    assert "the script failed" in said


@pytest.fixture(scope="module")
def defaults(tmp_path_factory, logs):
    """A server of nothing but a TorchScript model.pth."""
    folder = archive(tmp_path_factory.mktemp("defaults") / "double", module=Double())
    with serving(folder, logs / "defaults.log") as started:
        yield started


def test_a_torchscript_module_alone_is_served(defaults):
    assert numbers(defaults.predict_json([[1, 2.5], [3, 4]])).tolist() == [[2, 5], [6, 8]]
    assert numbers(defaults.predict(b"1,2.5\n3,4\n", CSV)).tolist() == [[2, 5], [6, 8]]


def test_numbers_go_in_and_out_as_csv_and_npy(defaults):
    out = io.BytesIO()
    np.save(out, np.arange(6, dtype=np.float32).reshape(2, 3))
    reply = defaults.predict(out.getvalue(), NPY, accept=NPY)
    assert reply.headers["content-type"] == NPY
    assert np.load(io.BytesIO(reply.response.content)).tolist() == [[0, 2, 4], [6, 8, 10]]
    assert defaults.predict_json([[0.5, 1], [2, 3]], accept=CSV).response.text == "1,2\n4,6\n"


def test_a_picture_is_prepared_as_model_toml_says(tmp_path, logs):
    folder = archive(tmp_path / "mean", module=MeanColour())
    with serving(folder, logs / "mean.log") as server:
        assert numbers(server.predict(encoded(solid(BLUE)), "image/png")).tolist() == [[0, 0, 1]]
        assert server.predict(b"hello there", "image/png").code == "UNSUPPORTED_MEDIA_TYPE"
        assert server.predict(encoded(solid(BLUE))[:60], "image/png").code == "IMAGE_UNDECODABLE"
        assert numbers(server.predict(encoded(solid(BLUE)), "image/png")).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b'["a"]', JSON, "INVALID_ARRAY"),
        (b"[[1], [1, 2]]", JSON, "INVALID_ARRAY"),
        (b"[]", JSON, "INVALID_ARRAY"),
        (b"[NaN]", JSON, "MALFORMED_JSON"),
        (b"a,b", CSV, "INVALID_ARRAY"),
        (b"1,nan", CSV, "INVALID_ARRAY"),
        (b"\x93NUMPY garbage", NPY, "INVALID_ARRAY"),
        (b"hello", "text/plain", "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_numbers_that_are_none_are_refused(defaults, body, content_type, code):
    assert defaults.predict(body, content_type).code == code
    assert defaults.predict_json([1]).status == 200


def test_an_npy_file_with_a_pickle_is_refused_and_not_run(defaults, tmp_path):
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harmed",)

    out = io.BytesIO()
    np.save(out, np.array([Harm()], object), allow_pickle=True)
    assert defaults.predict(out.getvalue(), NPY).code == "INVALID_ARRAY"
    assert not (tmp_path / "harmed").exists()
    assert defaults.predict_json([1]).status == 200


def test_functions_may_take_a_context_and_return_a_type(tmp_path, logs):
    script = """
        def model_fn(model_dir, context):
            return context.system_properties
        def input_fn(body, content_type, context):
            return body
        def predict_fn(data, model, context):
            return [type(data).__name__, model["gpu_id"], context.system_properties["model_dir"] == model["model_dir"]]
        def output_fn(prediction, accept):
            return repr(prediction), "text/plain"
    """
    with serving(archive(tmp_path / "context", script), logs / "context.log") as server:
        reply = server.predict_json([1])
        assert (reply.response.text, reply.headers["content-type"]) == ("['str', None, True]", "text/plain")
        assert server.predict(encoded(solid(BLUE)), "image/png").response.text == "['bytes', None, True]"


def test_transform_fn_stands_for_all_three(tmp_path, logs):
    script = """
        def model_fn(model_dir):
            return "model"
        def transform_fn(model, data, content_type, accept):
            return "|".join([model, data, content_type, accept])
    """
    with serving(archive(tmp_path / "transform", script), logs / "transform.log") as server:
        assert server.predict(b"[1]", JSON, accept=CSV).response.text == f"model|[1]|{JSON}|{CSV}"


def test_another_program_is_found_by_its_name(start, tmp_path):
    folder = archive(tmp_path / "named", "raise RuntimeError('not this one')", module=Double())
    (folder / "code" / "serve.py").write_text("def predict_fn(data, model):\n    return model(data) + 1\n")
    server = start(folder, SAGEMAKER_PROGRAM="serve.py")
    server.wait_until_ready()
    assert numbers(server.predict_json([1])).tolist() == [3]


FAULTY = {
    "import": ("import no_such_package", True, "inference.py cannot be imported: ModuleNotFoundError"),
    "syntax": ("def model_fn(:", True, "inference.py cannot be imported: SyntaxError"),
    "model_fn": ("def model_fn(d):\n    raise OSError('gone')", True, "model_fn failed: OSError: gone"),
    "no model": ("def predict_fn(d, m):\n    return d", False, "there is no model.pth or model.pt"),
    "both": ("def transform_fn(m, d, c, a): ...\ndef input_fn(b, c): ...", True, "defines transform_fn and input_fn"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_script_that_cannot_serve_is_never_ready_and_says_why(start, tmp_path, fault):
    script, has_model, words = FAULTY[fault]
    server = start(archive(tmp_path / "faulty", script, Double() if has_model else None))
    assert words in fails(server)["reason"]


def test_a_state_dict_needs_its_own_model_fn(start, tmp_path):
    folder = archive(tmp_path / "weights", "def predict_fn(d, m):\n    return d")
    torch.save(Gestures(2).state_dict(), folder / "model.pth")
    assert "define model_fn in code/inference.py" in fails(start(folder))["reason"]


@pytest.fixture(scope="module")
def moody(tmp_path_factory, logs):
    """A script that does as the request says."""
    script = """
        import time
        def model_fn(model_dir):
            return None
        def input_fn(body, content_type):
            return body
        def predict_fn(data, model):
            if data == "slow":
                time.sleep(4)
            if data == "raise":
                raise ValueError("secret: " + data)
            return {"nan": [float("nan")], "object": object(), "text": "text"}.get(data, [1.0])
    """
    folder = archive(tmp_path_factory.mktemp("moody") / "moody", script)
    with serving(folder, logs / "script-moody.log", MODEL_SERVER_TIMEOUT="2") as started:
        yield started


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        ("raise", "MODEL_FAILED"),
        ("nan", "MODEL_OUTPUT_INVALID"),
        ("object", "MODEL_OUTPUT_INVALID"),
        ("text", "MODEL_OUTPUT_INVALID"),
    ],
)
def test_a_failing_prediction_is_withheld_and_the_next_one_given(moody, mood, code):
    refused = moody.predict(mood.encode(), CSV)
    assert (refused.status, refused.code) == (502, code)
    assert "secret" not in refused.response.text
    assert numbers(moody.predict(b"good", CSV)).tolist() == [1]


def test_a_slow_prediction_times_out_and_the_next_one_is_given(moody):
    assert moody.predict(b"slow", CSV).code == "MODEL_TIMEOUT"
    time.sleep(2.5)
    assert numbers(moody.predict(b"good", CSV)).tolist() == [1]


def test_requests_take_turns(tmp_path, logs):
    script = """
        import time
        inside = 0
        def model_fn(model_dir):
            return None
        def predict_fn(data, model):
            global inside
            inside += 1
            seen = inside
            time.sleep(0.02)
            inside -= 1
            return [seen]
    """
    with serving(archive(tmp_path / "turns", script), logs / "turns.log") as server, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: json.loads(server.predict_json([1]).response.text), range(24)))
    assert replies == [[1]] * 24
