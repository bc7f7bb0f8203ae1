"""The training image, driven as SageMaker drives it: folders below /opt/ml, and `docker run IMAGE train`."""

import json
import os
import subprocess
import sys

import pytest

from models.object_detection.drawn_records import write_drawn
from models.registry import ROOT
from models.sign_language.dataset import write_clips
from training.opt_ml import TRAINING, OptMl

pytestmark = pytest.mark.docker
DETECTOR = "object-detection"


@pytest.fixture(scope="module")
def scenes(engine, tmp_path_factory):  # noqa: ARG001 skips
    folder = tmp_path_factory.mktemp("scenes")
    write_drawn(folder, 24, seed=3)
    return folder


@pytest.fixture
def train(tmp_path, scenes):
    """Trains with the hyperparameters given; gives SageMaker's folders, and what the process said."""

    def train(*given: str, data=scenes, model=DETECTOR):
        command = [sys.executable, "-m", "local.train", model, "--docker", "--data", str(data)]
        command += ["--work", str(tmp_path), "--set", *given]
        path = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}"}  # as `make train` has it
        done = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, timeout=580, check=False)
        return OptMl(tmp_path / model), done

    return train


def test_a_detector_trains_through_opt_ml_and_says_what_it_was_given(train):
    opt_ml, done = train("num_steps=4", "image_size=96", "quantize=True")
    assert done.returncode == 0, done.stderr
    assert "validation:map_50=" in done.stdout
    assert "Done: the model is in /opt/ml/model" in done.stderr
    assert {"saved_model.pb", "model.toml", "label_map.pbtxt", "model.tflite"} <= {
        file.name for file in opt_ml.model.iterdir()
    }
    assert json.loads((opt_ml.config / "hyperparameters.json").read_text())["num_steps"] == "4"
    assert (opt_ml.channel(TRAINING)).is_dir()
    assert json.loads((opt_ml.output_data / "report.json").read_text())["examples"] == 4
    assert f"How good it is: {opt_ml.output_data / 'report.html'}" in done.stdout
    assert not opt_ml.failure.exists()


@pytest.mark.timeout(600)  # its image has PyTorch to fetch
def test_a_network_of_pytorch_trains_is_converted_and_reported_on(train, tmp_path):
    write_clips(tmp_path / "clips" / "clips.npz", 60, seed=3)
    opt_ml, done = train("epochs=1", "feed_forward=16", data=tmp_path / "clips", model="sign-language")
    assert done.returncode == 0, done.stderr
    assert {"weights.pth", "model.xml", "model.bin", "labels.json"} <= {file.name for file in opt_ml.model.iterdir()}
    assert json.loads((opt_ml.output_data / "report.json").read_text())["examples"] == 20


def test_a_container_that_cannot_train_says_why_in_the_failure_file(train, tmp_path):
    opt_ml, done = train("num_steps=many")
    assert done.returncode == 1
    assert opt_ml.failure.read_text().startswith("InvalidHyperparameter: num_steps: 'many' should be a valid integer")
    (tmp_path / "nothing").mkdir()
    opt_ml, done = train("num_steps=4", data=tmp_path / "nothing")
    assert done.returncode == 1
    assert opt_ml.failure.read_text().startswith("EmptyChannel: the channel training is empty")
