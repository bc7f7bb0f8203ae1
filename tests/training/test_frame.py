"""The frame around a training, by real files and a real process of `python -m training train`."""

import json
import subprocess
import sys

import pytest

from models.registry import ROOT
from training.checkpoints import Checkpoints
from training.errors import EmptyChannel, InvalidConfiguration, InvalidHyperparameter, UnusableCheckpoint
from training.hyperparameters import Hyperparameters
from training.opt_ml import OptMl
from training.run import explained


class Chosen(Hyperparameters):
    epochs: int = 3
    learning_rate: float = 0.1
    quantize: bool = False


@pytest.fixture
def opt_ml(tmp_path):
    made = OptMl(tmp_path)
    made.config.mkdir(parents=True)
    return made


def configured(opt_ml, name, content):
    (opt_ml.config / name).write_text(content if isinstance(content, str) else json.dumps(content))


def test_strings_become_typed_values():
    chosen = Chosen.parse({"epochs": "5", "learning_rate": " 1e-3", "quantize": "True", "seed": "0"})
    assert (chosen.epochs, chosen.learning_rate, chosen.quantize, chosen.seed) == (5, 0.001, True, 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"learning_rate": "fast"}, "learning_rate: 'fast' should be a valid number"),
        ({"learning_rate": "nan"}, "learning_rate: 'nan' should be a finite number"),
        ({"epochs": "2.5"}, "epochs: '2.5' should be a valid integer"),
        ({"seed": "-1"}, "seed: '-1' should be greater than or equal to 0"),
        ({"epoch": "3"}, "epoch is not a hyperparameter of this model; it has epochs, learning_rate, quantize, seed"),
    ],
)
def test_refuses_a_hyperparameter_by_its_name(given, said):
    with pytest.raises(InvalidHyperparameter) as refused:
        Chosen.parse(given)
    assert said in refused.value.line
    assert "\n" not in refused.value.line
    assert Chosen.parse({"epochs": "1"}).epochs == 1


def test_names_every_fault_at_once():
    with pytest.raises(InvalidHyperparameter) as refused:
        Chosen.parse({"epochs": "x", "quantize": "perhaps"})
    assert {"epochs:", "quantize:"} <= set(refused.value.line.split())


def test_a_channel_must_be_there_and_hold_something(opt_ml):
    with pytest.raises(EmptyChannel, match="there is no channel training"):
        opt_ml.filled_channel("training")
    (opt_ml.channel("training") / "folder").mkdir(parents=True)
    with pytest.raises(EmptyChannel, match="the channel training is empty"):
        opt_ml.filled_channel("training")
    (opt_ml.channel("training") / "folder" / "a.png").touch()
    assert opt_ml.filled_channel("training") == opt_ml.channel("training")


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000])
def test_refuses_a_configuration_that_sagemaker_would_not_write(opt_ml, content):
    configured(opt_ml, "hyperparameters.json", content)
    with pytest.raises(InvalidConfiguration, match=r"hyperparameters\.json"):
        _ = opt_ml.hyperparameters
    configured(opt_ml, "hyperparameters.json", {"epochs": "1"})
    assert opt_ml.hyperparameters == {"epochs": "1"}


def test_refuses_several_machines_and_pipes(opt_ml):
    configured(opt_ml, "resourceconfig.json", {"hosts": ["algo-1", "algo-2"]})
    with pytest.raises(InvalidConfiguration, match="InstanceCount to 1"):
        opt_ml.refuse_many_hosts()
    configured(opt_ml, "inputdataconfig.json", {"training": {"TrainingInputMode": "Pipe"}})
    with pytest.raises(InvalidConfiguration, match="training has the input mode Pipe"):
        opt_ml.refuse_pipes()


def checkpoints(folder, **identity):
    return Checkpoints(folder, {"model": "face-mask", "seed": 7} | identity)


def test_goes_on_from_the_newest_whole_checkpoint(tmp_path):
    kept = checkpoints(tmp_path)
    assert kept.newest() is None
    for step in (5, 10, 15):
        kept.save(step, lambda folder, step=step: (folder / "weights").write_text(str(step)))
    (tmp_path / "step-000000020.partial").mkdir()  # the machine went while it was written
    assert (tmp_path / kept.newest().folder / "weights").read_text() == "15"
    assert sorted(folder.name for folder in tmp_path.iterdir() if "partial" not in folder.name) == [
        "step-000000010",
        "step-000000015",
    ]
    kept.forget()
    assert kept.newest() is None


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(tmp_path):
    kept = checkpoints(tmp_path)
    kept.save(5, lambda folder: (folder / "weights").touch())

    def full(_folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        kept.save(10, full)
    assert kept.newest().step == 5


def test_does_not_go_on_from_another_training(tmp_path):
    checkpoints(tmp_path).save(5, lambda _folder: None)
    with pytest.raises(UnusableCheckpoint, match="with seed 7, and this one has 8"):
        checkpoints(tmp_path, seed=8).newest()
    (tmp_path / "step-000000005" / "training.json").write_text("{")
    with pytest.raises(UnusableCheckpoint, match="cannot be read"):
        checkpoints(tmp_path).newest()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "NoSpace: the volume is full"),
        (RuntimeError("RESOURCE_EXHAUSTED: /x; No space left on device"), "NoSpace: the volume is full"),
        (MemoryError(), "NoMemory: the memory is used up"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "NoMemory: the memory is used up"),
        (KeyError("a\nb"), "UnexpectedFailure: KeyError: 'a\\nb'"),
        (EmptyChannel("the channel\n  is empty"), "EmptyChannel: the channel is empty"),
    ],
)
def test_every_end_has_a_name_and_one_line(error, line):
    assert explained(error).line.startswith(line)
    assert "\n" not in explained(error).line


def test_an_unknown_model_is_told_in_the_failure_file(opt_ml):
    command = [sys.executable, "-m", "training", "train", "--model", "nothing", "--root", str(opt_ml.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    reason = opt_ml.failure.read_text()
    assert reason.startswith("InvalidConfiguration: 'nothing' is no model with a train.py; name one of")
    assert "face-mask" in reason
    assert "Traceback" not in done.stderr
