"""A user's inference.py runs unmodified, and its faults stay its own."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.containers.pictures import BLUE, encoded, solid
from tests.containers.scripts.archives import CSV, JSON, POINTS, Double, archive, fails, gestures_archive, numbers
from tests.containers.server_process import serving


@pytest.fixture(scope="module")
def gestures(tmp_path_factory):
    return gestures_archive(tmp_path_factory.mktemp("made"))


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
    assert numbers(server.predict_json([1])) == [3]


def test_the_script_is_found_in_the_folder_that_sagemaker_names(start, tmp_path):
    folder = archive(tmp_path / "elsewhere", "raise RuntimeError('not this one')", module=Double())
    (folder / "src").mkdir()
    (folder / "src" / "inference.py").write_text("def predict_fn(data, model):\n    return model(data) + 1\n")
    server = start(folder, SAGEMAKER_SUBMIT_DIRECTORY=str(folder / "src"))
    server.wait_until_ready()
    assert numbers(server.predict_json([1])) == [3]


def test_a_program_that_is_not_there_is_not_passed_over(start, tmp_path):
    folder = archive(tmp_path / "missing", "", module=Double())
    assert "SAGEMAKER_PROGRAM names serv.py" in fails(start(folder, SAGEMAKER_PROGRAM="serv.py"))["reason"]


def test_a_scripts_own_modules_may_have_the_names_of_the_servers(tmp_path, logs):
    script = """
        from contract import ADDED
        from models.network import MODEL
        def model_fn(model_dir):
            return MODEL
        def predict_fn(data, model):
            from models.late import TIMES
            return data * TIMES + ADDED
    """
    folder = archive(tmp_path / "names", script)
    (folder / "code" / "models").mkdir()  # without an __init__.py, as many repositories have it
    (folder / "code" / "models" / "network.py").write_text("MODEL = 'model'\n")
    (folder / "code" / "models" / "late.py").write_text("TIMES = 3\n")
    (folder / "code" / "contract.py").write_text("ADDED = 1\n")
    with serving(folder, logs / "names.log") as server:
        assert numbers(server.predict_json([1, 2])) == [4, 7]
        assert server.predict_json(["a"]).code == "INVALID_ARRAY"
        assert server.request("GET", "/nowhere").code == "ROUTE_NOT_FOUND"
        assert numbers(server.predict_json([1, 2])) == [4, 7]


def test_what_a_script_sets_for_its_thread_holds_in_every_call(tmp_path, logs):
    script = """
        import threading
        import torch
        torch.set_grad_enabled(False)
        seen = {threading.get_ident()}
        def pre_model_fn(model_dir):
            seen.add(threading.get_ident())
        def model_fn(model_dir):
            seen.add(threading.get_ident())
            return torch.nn.Linear(1, 1)
        def model_warmup_fn(model_dir, model):
            seen.add(threading.get_ident())
            seen.add("warm")
        def predict_fn(data, model):
            seen.add(threading.get_ident())
            return model(data)
        def output_fn(prediction, accept):
            return f"{prediction.numpy().shape} {len(seen)} {'warm' in seen}"
    """
    with serving(archive(tmp_path / "thread", script), logs / "thread.log") as server, ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: server.predict_json([[1]]).response.text, range(8)))
    assert replies == ["(1, 1) 2 True"] * 8


FAULTY = {
    "import": ("import no_such_package", True, "inference.py cannot be imported: ModuleNotFoundError"),
    "exit": ("import sys\nsys.exit('gone')", True, "inference.py cannot be imported: SystemExit: gone"),
    "place": ("def model_fn(d):\n\n    return open('gone')", True, "(inference.py, line 3)"),
    "warm-up": ("def model_warmup_fn(d, m):\n    1 / 0", True, "model_warmup_fn failed: ZeroDivisionError"),
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


@pytest.fixture(scope="module")
def moody(tmp_path_factory, logs):
    """A script that does as the request says."""
    script = """
        import sys
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
            if data == "exit":
                sys.exit(1)
            return data
        def output_fn(prediction, accept):
            if prediction == "header":
                return "1", "text/plain\\r\\nX-Added: 1"
            if prediction == "no type":
                return "1", None
            return {"object": object(), "surrogate": chr(0xD800)}.get(prediction, "[1.0]")
    """
    folder = archive(tmp_path_factory.mktemp("moody") / "moody", script)
    with serving(folder, logs / "script-moody.log", MODEL_SERVER_TIMEOUT="2") as started:
        yield started


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        ("raise", "MODEL_FAILED"),
        ("exit", "MODEL_FAILED"),
        ("object", "MODEL_OUTPUT_INVALID"),
        ("surrogate", "MODEL_OUTPUT_INVALID"),
        ("header", "MODEL_OUTPUT_INVALID"),
        ("no type", "MODEL_OUTPUT_INVALID"),
    ],
)
def test_a_failing_prediction_is_withheld_and_the_next_one_given(moody, mood, code):
    refused = moody.predict(mood.encode(), CSV)
    assert (refused.status, refused.code) == (502, code)
    assert "secret" not in refused.response.text
    assert "x-added" not in refused.headers
    assert numbers(moody.predict(b"good", CSV)) == [1]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("text/csv;q=0.9, */*", CSV), ("*/*", JSON), ("application/*, text/csv", JSON), ("text/\xe9", JSON)],
)
def test_a_body_without_a_type_has_the_first_that_was_asked_for(moody, accept, content_type):
    reply = moody.predict(b"good", CSV, accept=accept.encode("latin-1"))
    assert (reply.headers["content-type"], numbers(reply)) == (content_type, [1])


def test_a_slow_prediction_times_out_and_the_next_one_is_given(moody):
    assert moody.predict(b"slow", CSV).code == "MODEL_TIMEOUT"
    time.sleep(2.5)
    assert numbers(moody.predict(b"good", CSV)) == [1]


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
