"""A Keras and a PyTorch network go on exactly where they were interrupted, and from weights that they are given.

Both are small: a picture has 16 x 16 pixels, and what is light is "day".
"""

import os
import shutil
import signal
import sys
from importlib import import_module

import keras
import numpy as np
import pytest
import tensorflow as tf

from contract.training import FIGURES
from models.archive import pack
from models.registry import ROOT, Model
from models.spec import read_spec
from tests.training.conftest import save_pictures
from training.classifier import train_classifier
from training.classifier_data import read_data
from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.augmentation import Augmentation
from training.data.batches import Batch
from training.errors import Diverged, Interrupted, UnusableCheckpoint
from training.given_checkpoint import given_checkpoint
from training.job import Job
from training.keras_network import KerasNetwork
from training.keras_weights import load_weights
from training.opt_ml import OptMl
from training.torch_network import TorchNetwork
from training.validation import validation_figures

SPEC = """
[model]
name = "day-night"
task = "image-classification"
version = "1.0.0"
description = "Tells day from night."
labels = ["day", "night"]
{model}

[input]
size = [16, 16]
layout = "{layout}"

[output]
scores = "{scores}"

[endpoints.serverless]
kind = "serverless"
memory_mb = 2048
max_concurrency = 1
"""
KERAS = {"model": 'framework = "tensorflow"\ncontainer = "savedmodel"', "layout": "NHWC", "scores": "probabilities"}
TORCH = {
    "model": 'framework = "pytorch"\ncontainer = "day_night"\nnetwork = "small"',
    "layout": "NCHW",
    "scores": "logits",
}
TORCH_NETWORK = """
from torch import nn

def build(labels, weights):
    maps = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.3))
    return nn.Sequential(maps, nn.Linear(64, labels))
"""
CHOSEN = ClassifierHyperparameters(epochs=3, batch_size=8, learning_rate=0.01, validation_share=0.25)


def small_network(width: int = 4) -> keras.Model:
    """With all that has a state of its own: moving averages, and what is dropped at random."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(width, 3, strides=4)(inputs))
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


class Frameworks:
    """How each network is made."""

    @staticmethod
    def keras(job, checkpoint):
        return KerasNetwork(job, small_network, checkpoint)

    @staticmethod
    def torch(job, checkpoint):
        return TorchNetwork(job, {"1.": 0.5}, checkpoint)


@pytest.fixture(params=["keras", "torch"])
def framework(request):
    return request.param


@pytest.fixture
def job(tmp_path, framework, signals, monkeypatch):  # noqa: ARG001 it is used by being there
    """Makes a job on twenty light and twenty dark pictures, each with SageMaker's folders of its own."""
    networks = tmp_path / "day_night" / "networks"
    networks.mkdir(parents=True)
    (networks / "small.py").write_text(TORCH_NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "day_night", raising=False)
    (tmp_path / "model.toml").write_text(SPEC.format(**(KERAS if framework == "keras" else TORCH)))
    model = Model(read_spec(tmp_path / "model.toml"), tmp_path)

    def job(name="first", hyperparameters=CHOSEN) -> Job:
        opt_ml = OptMl(tmp_path / name)
        if not opt_ml.root.exists():
            for first, label in ((150, "day"), (20, "night")):
                save_pictures(opt_ml.channel("training") / label, 20, side=16, first=first)
            opt_ml.model.mkdir()
        made = Job(model, hyperparameters, opt_ml)
        made.stop_on_signals()
        return made

    return job


def train(job, framework, interrupted_at=None):
    """The trained network; SIGTERM comes during the step `interrupted_at`."""
    made = []

    def network_of(job, checkpoint):
        network = getattr(Frameworks, framework)(job, checkpoint)
        made.append(network)
        learn, steps = network.learn, iter(range(1, 1000))

        def counted(batch: Batch, rate: float) -> float:
            if next(steps) == interrupted_at:
                os.kill(os.getpid(), signal.SIGTERM)
            return learn(batch, rate)

        network.learn = counted
        return network

    train_classifier(job, Augmentation(), network_of)
    return made[0]


def answers(network) -> np.ndarray:
    shape = (6, 16, 16, 3) if isinstance(network, KerasNetwork) else (6, 3, 16, 16)
    return network.outputs(np.random.default_rng(1).random(shape, dtype=np.float32))


def printed(capsys) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("step=")]


@pytest.mark.parametrize("at", [3, 4])
def test_goes_on_exactly_where_it_was_interrupted(job, framework, at, capsys):
    """In an epoch and at its end: thirty pictures are four steps."""
    whole = train(job("whole"), framework)
    expected = printed(capsys)
    with pytest.raises(Interrupted, match=f"saved after step {at}"):
        train(job("cut"), framework, interrupted_at=at)
    rest = train(job("cut"), framework)
    assert printed(capsys) == expected
    assert np.array_equal(answers(rest), answers(whole))


def test_learns_and_the_weights_of_the_best_epoch_are_the_result(job, framework, capsys):
    patient = CHOSEN.model_copy(update={"epochs": 30, "patience": 2, "learning_rate": 0.03})
    train(job(hyperparameters=patient), framework)
    lines = [dict(part.split("=") for part in line.rstrip(";").split("; ")) for line in printed(capsys)]
    losses = [float(line["validation:loss"]) for line in lines]
    assert float(lines[int(np.argmin(losses))]["validation:roc_auc"]) > 0.9
    best = int(np.argmin(losses)) + 1
    assert len(losses) == 30 or len(losses) == best + 2


def test_begins_with_the_weights_of_an_earlier_trainings_archive(job, framework):
    first, second = job(), job("second")
    trained = train(first, framework)
    pack(first.model.spec_file, first.model_dir, second.input_data / "checkpoint" / "model.tar.gz")
    with given_checkpoint(second) as file:
        found = getattr(Frameworks, framework)(second, file)
    assert np.allclose(answers(found), answers(trained), atol=0.01)  # weights.pth has 16 bits
    assert not np.allclose(answers(getattr(Frameworks, framework)(second, None)), answers(trained), atol=0.05)


def test_refuses_weights_of_another_network_and_trains_without_them(job, framework):
    first = job()
    checkpoint = first.input_data / "checkpoint"
    checkpoint.mkdir()
    if framework == "keras":
        small_network(width=5).export(checkpoint, verbose=False)
    else:
        import torch  # noqa: PLC0415

        torch.save({"0.0.weight": torch.zeros(3)}, checkpoint / "weights.pth")
    with pytest.raises(UnusableCheckpoint, match="give weights of"):
        train(first, framework)
    shutil.rmtree(checkpoint)
    train(first, framework)


def test_does_not_go_on_with_other_pictures(job, framework):
    with pytest.raises(Interrupted):
        train(job(), framework, interrupted_at=2)
    (job().input_data / "training" / "day" / "3.png").unlink()
    with pytest.raises(UnusableCheckpoint, match="other pictures"):
        train(job(), framework)


def test_a_loss_that_is_no_number_ends_it(job, framework):
    wild = CHOSEN.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(Diverged, match="choose a smaller learning_rate"):
        train(job(hyperparameters=wild), framework)


@pytest.mark.parametrize("framework", ["keras"], indirect=True)
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_takes_keras_own_files_of_weights(job, suffix, tmp_path):
    given = small_network()
    (given.save if suffix == ".keras" else given.save_weights)(tmp_path / f"a{suffix}")
    found = KerasNetwork(job(), small_network, tmp_path / f"a{suffix}")
    pictures = np.random.default_rng(1).random((6, 16, 16, 3), dtype=np.float32)
    assert np.allclose(found.outputs(pictures), given(pictures), atol=1e-6)


@pytest.mark.parametrize("name", ["face_mask", "diabetic_retinopathy"])
def test_takes_the_weights_of_a_committed_artifact(name):
    artifact = ROOT / "models" / name / "artifact"
    build = import_module(f"models.{name}.network").build_network
    network = build(2) if name == "face_mask" else build()
    load_weights(network, artifact / "saved_model.pb")
    pictures = 50 * np.random.default_rng(1).random((3, *network.inputs[0].shape[1:]), dtype=np.float32)
    (expected,) = tf.saved_model.load(str(artifact)).signatures["serving_default"](tf.constant(pictures)).values()
    assert np.allclose(network(pictures, training=False), expected, atol=1e-5)


@pytest.mark.parametrize("framework", ["torch"], indirect=True)
def test_sigterm_before_the_first_step_ends_it_too(job):
    stopped = job()
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Interrupted, match="nothing was learnt yet"):
        read_data(stopped)
    assert len(read_data(job("second")).training) == 30


def test_the_figures_of_an_epoch_are_those_that_sagemaker_looks_for():
    """Three labels, one picture of the last taken for the first, with certainty."""
    scores = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [1, 0, 0], [0, 0.2, 0.8]], np.float32)
    figures = validation_figures(scores, np.array([0, 1, 2, 2]))
    assert set(figures) <= set(FIGURES)
    assert figures["validation:accuracy"] == 0.75
    assert figures["validation:recall"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert figures["validation:precision"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert figures["validation:roc_auc"] == pytest.approx((2 / 3 + 1 + 0.625) / 3)
    assert figures["validation:loss"] == pytest.approx(-np.log([0.9, 0.7, 1e-7, 0.8]).mean(), rel=1e-5)
