"""A fault in a model folder is told in one line when the local run starts, without a traceback."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (lambda text: text.replace("version =", "colour = 1\nversion ="), "model.colour: is not a known key"),
        (lambda text: text.replace('container = "savedmodel"', 'container = "none"'), "choose one of "),
        (lambda text: text.replace('artifact = "artifact"', 'artifact = "away"'), "put the exported model there"),
        (lambda text: text + "[", "is not TOML"),
    ],
    ids=["unknown key", "missing container", "missing artifact", "no TOML"],
)
def test_starts_only_with_sound_models_and_says_why_not(copy, broken, line):
    file = copy / "models" / "diabetic_retinopathy" / "model.toml"
    sound = file.read_text()
    assert broken(sound) != sound
    file.write_text(broken(sound))
    try:
        command = [sys.executable, "-m", "local", "--port=0"]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=60)
    finally:
        file.write_text(sound)
    assert done.returncode == 1
    assert done.stderr.startswith("models/diabetic_retinopathy/model.toml: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
