"""What keeps a server from starting: each ends the process with one clear line and no traceback."""

import shutil
import subprocess
import sys
import time

import pytest

from tests.containers.model_folder import COLOURS, write_spec
from tests.containers.server_process import ROOT


def without(name):
    return lambda folder: (folder / name).unlink()


def garbled(name):
    return lambda folder: (folder / name).write_bytes(b"\x00\x01garbage" * 50)


def truncated(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:40])


DAMAGE = {
    "no model.toml": (without("model.toml"), "model.toml: cannot be read; create it"),
    "broken model.toml": (garbled("model.toml"), "model.toml: is not TOML"),
    "no saved_model.pb": (without("saved_model.pb"), "OpenVINO cannot read the model"),
    "garbled saved_model.pb": (garbled("saved_model.pb"), "OpenVINO cannot read the model"),
    "truncated saved_model.pb": (truncated("saved_model.pb"), "OpenVINO cannot read the model"),
    "no weights": (without("variables/variables.data-00000-of-00001"), "OpenVINO cannot read the model"),
    "truncated weights": (truncated("variables/variables.data-00000-of-00001"), "OpenVINO cannot read the model"),
    "a label too few": (
        lambda folder: write_spec(folder, COLOURS[:2], 32),
        "model.toml: model.labels: 2 labels, but the model gives 3 numbers; name all 3",
    ),
    "another size": (
        lambda folder: write_spec(folder, COLOURS, 48),
        "model.toml: input.size: the model takes [?,32,32,3] of float32, not ['?', 48, 48, 3] of float32",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_ends_the_process_with_one_clear_line(start, colours, tmp_path, damage):
    folder = shutil.copytree(colours, tmp_path / "model")
    harm, words = DAMAGE[damage]
    harm(folder)
    server = start(folder)
    pings: list[int | None] = []
    while server.process.poll() is None and len(pings) < 2000:
        listening = '"listening"' in server.said()
        if listening and not server.http.base_url.host:
            server.wait_until_listening()
        pings.append(server.ping() if listening else None)
        time.sleep(0.01)
    assert server.process.poll() == 1
    assert 200 not in pings
    errors = [line for line in server.log_lines() if line["level"] == "error"]
    assert len(errors) == 1
    assert words in errors[0]["reason"]
    assert "Traceback" not in server.said()


def test_logits_declared_as_probabilities_are_noticed_before_the_first_request(start, tmp_path):
    from tests.containers.exported import export_logits  # noqa: PLC0415

    server = start(export_logits(tmp_path / "logits"))
    assert server.process.wait(60) == 1
    (error,) = (line for line in server.log_lines() if line["level"] == "error")
    assert 'set output.scores = "logits"' in error["reason"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "http"),
        ("SAGEMAKER_BIND_TO_PORT", "70000"),
        ("MODEL_SERVER_WORKERS", "0"),
        ("MODEL_SERVER_TIMEOUT", "-1"),
        ("MODEL_SERVER_TIMEOUT", "nan"),
        ("MODEL_SERVER_QUEUE", "many"),
        ("MODEL_SERVER_MAX_BODY_BYTES", "1048575"),
        ("MODEL_SERVER_MAX_BODY_BYTES", "67108865"),
        ("MODEL_SERVER_MAX_BODY_BYTES", "64MiB"),
        ("MODEL_SERVER_ENGINE", "onnx"),
    ],
)
def test_a_bad_variable_is_named_in_one_line(start, tmp_path, name, value):
    server = start(tmp_path, **{name: value})
    assert server.process.wait(30) == 2
    (line,) = server.log_lines()
    assert line["message"].startswith(f"{name}: ")
    assert value in line["message"]
    assert "Traceback" not in server.said()


def test_a_port_that_is_taken_is_named_in_one_line(start, server, tmp_path):
    port = str(server.http.base_url.port)
    second = start(tmp_path, SAGEMAKER_BIND_TO_PORT=port)
    assert second.process.wait(30) == 1
    (line,) = second.log_lines()
    assert "SAGEMAKER_BIND_TO_PORT" in line["message"]


def test_another_command_than_serve_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "model_server", "train"],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "usage: python -m model_server serve\n")
