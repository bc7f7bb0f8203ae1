"""Sign language is trained from files of clips: by the real process, through /opt/ml, to a model that is served."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from model_server.loading import load_predictor
from models.archive import pack
from models.registry import ROOT
from models.sign_language.clips import GLOSSES
from models.sign_language.course import Batches, Course, Examples, macro_f1
from models.sign_language.dataset import draw_numbered, write_clips
from models.sign_language.pretrained import read_pretrained
from models.sign_language.train import Hyperparameters
from models.spec import read_spec
from sign_language.keypoints import COUNT
from sign_language.networks.spoter import Spoter
from tests.containers.server_process import serving
from training.data.landmarks import read_clips
from training.errors import InvalidHyperparameter
from training.opt_ml import OptMl
from training.run import INTERRUPTED, run

SIGNS = (8, 3, 15)  # of the demonstration, in no order
SHOWN = sorted(GLOSSES[sign] for sign in SIGNS)
SMALL = {"feed_forward": "16", "batch_size": "8", "learning_rate": "0.001"}
SPEC_FILE = ROOT / "models" / "sign_language" / "model.toml"


@pytest.fixture(scope="module")
def clips():
    """Four of each of three glosses."""
    numbers = [sign + len(GLOSSES) * turn for turn in range(4) for sign in SIGNS]
    return {f"{GLOSSES[number % len(GLOSSES)]}/{number}": draw_numbered(5, number) for number in numbers}


@pytest.fixture
def opt_ml(tmp_path, clips):
    """A job with those clips, for an epoch, unless a test says otherwise."""
    made = OptMl(tmp_path / "ml")
    made.config.mkdir(parents=True)
    choose(made)
    put(made, "training", clips)
    return made


@pytest.fixture(autouse=True)
def signals():
    """As they were: a training in this process takes them over."""
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def choose(opt_ml, **chosen):
    (opt_ml.config / "hyperparameters.json").write_text(json.dumps(SMALL | {"epochs": "1"} | chosen))


def put(opt_ml, channel, clips, **texts):
    folder = opt_ml.channel(channel)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "clips.npz", **clips)
    for name, content in texts.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def labels_of(opt_ml):
    return json.loads((opt_ml.model / "labels.json").read_text())


def train_in_a_process(opt_ml):
    command = [sys.executable, "-m", "training", "train", "--model", "sign-language", "--root", str(opt_ml.root)]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}", "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | path, **pipes)


def refusal(opt_ml):
    assert run("sign-language", opt_ml) == 1
    return opt_ml.failure.read_text()


def train_well(opt_ml):
    assert run("sign-language", opt_ml) == 0, opt_ml.failure.read_text()


def test_is_interrupted_goes_on_and_serves_what_it_learnt(opt_ml, clips, tmp_path):
    choose(opt_ml, epochs="4", patience="4")  # of two steps each
    first = train_in_a_process(opt_ml)
    for line in first.stdout:
        if line.startswith("step=4; train:loss="):
            first.send_signal(signal.SIGTERM)
            break
    told, log = first.communicate(timeout=60)
    assert first.returncode == INTERRUPTED, log
    assert "Interrupted: saved after step" in log
    assert "step=8;" not in told

    second = train_in_a_process(opt_ml)
    told, log = second.communicate(timeout=60)
    assert second.returncode == 0, log
    assert told.startswith("Going on after step")
    assert "step=2;" not in told
    assert "step=8; train:loss=" in told
    assert "validation:f1=" in told
    assert "training: 100%" in log

    files = {file.name for file in opt_ml.model.iterdir()}
    assert files == {"labels.json", "model.bin", "model.toml", "model.xml", "weights.pth"}
    assert labels_of(opt_ml) == SHOWN
    with serving(opt_ml.model, tmp_path / "server.log") as server:
        reply = server.predict_json({"keypoints_list": clips[f"{GLOSSES[8]}/8"].tolist()})
        assert reply.status == 200
        assert sorted(one["gloss"] for one in reply.json()["instances"]) == SHOWN

    report = json.loads((opt_ml.output_data / "report.json").read_text())
    assert (report["examples"], report["labels"]) == (3, SHOWN)


def small_course(clips, chosen):
    examples = Examples(list(clips.values()), np.arange(len(clips), dtype=np.int64) % len(SIGNS))
    torch.manual_seed(chosen.seed)
    batches = Batches(examples, chosen.augmentation, 5, chosen.frames, chosen.seed)
    return Course(Spoter(len(SIGNS), 16), batches, 3, 0.001), examples


def test_goes_on_exactly_from_the_middle_of_an_epoch(clips, tmp_path):
    chosen = Hyperparameters(augmentation_probability=1)
    whole, examples = small_course(clips, chosen)
    figures = []
    while whole.step < whole.steps:
        whole.learn()
        if whole.ends_epoch:
            figures.append(whole.end_epoch(examples))
        if whole.step == 4:
            whole.save(tmp_path)
    other, _ = small_course(clips, chosen)
    other.restore(tmp_path)
    assert (other.step, other.epoch) == (4, 1)
    torch.manual_seed(0)  # nothing hangs on what was drawn before
    later = []
    while other.step < other.steps:
        other.learn()
        if other.ends_epoch:
            later.append(other.end_epoch(examples))
    assert later == figures[1:]
    for name, value in whole.best().state_dict().items():
        assert torch.equal(value, other.best().state_dict()[name]), name


def test_an_epoch_has_every_clip_once_and_is_augmented_anew_in_the_next(clips):
    chosen = Hyperparameters(augmentation_probability=1)
    course, examples = small_course(clips, chosen)
    batches = Batches(examples, chosen.augmentation, 5, chosen.frames, chosen.seed)
    assert batches.per_epoch == 3
    for epoch in (0, 3):
        labels = torch.cat([batches[epoch + number][1] for number in range(3)])
        assert sorted(labels.tolist()) == sorted(examples.labels.tolist())
    assert not any(torch.equal(batches[0][0][:, :1], batches[3 + number][0][:, :1]) for number in range(2))
    assert torch.equal(batches[1][0], batches[1][0])
    assert course.steps == 9


def test_takes_the_order_of_the_glosses_from_labels_json(opt_ml, clips):
    labels = [*reversed(SHOWN), "NEVER SHOWN"]
    put(opt_ml, "training", clips, labels=labels)
    put(opt_ml, "validation", {name: clip for name, clip in clips.items() if name.startswith(SHOWN[0])})
    train_well(opt_ml)
    assert labels_of(opt_ml) == labels
    predictor = load_predictor(opt_ml.model, "openvino")
    scores = predictor.scores(next(iter(clips.values())))
    assert scores.shape == (len(labels),)
    assert scores.sum() == pytest.approx(1, abs=1e-5)


def test_fine_tunes_the_model_of_an_earlier_training_and_keeps_its_glosses(opt_ml, clips, tmp_path, capsys):
    labels = [*reversed(SHOWN), "NEVER SHOWN"]
    put(opt_ml, "training", clips, labels=labels)
    train_well(opt_ml)
    spec_file = opt_ml.model / "model.toml"
    spec_file.rename(tmp_path / "model.toml")
    (opt_ml.channel("training") / "labels.json").unlink()
    opt_ml.channel("checkpoint").mkdir()
    pack(SPEC_FILE, opt_ml.model, opt_ml.channel("checkpoint") / "model.tar.gz")
    before = torch.load(opt_ml.model / "weights.pth", weights_only=True)
    choose(opt_ml, learning_rate="0.000001")
    train_well(opt_ml)
    assert "Fine-tuning the whole network" in capsys.readouterr().out
    assert labels_of(opt_ml) == labels
    after = torch.load(opt_ml.model / "weights.pth", weights_only=True)
    assert all(torch.allclose(value.float(), after[name].float(), atol=1e-3) for name, value in before.items())


def test_other_glosses_get_a_last_layer_of_their_own(opt_ml, capsys):
    opt_ml.channel("checkpoint").mkdir()
    published = Spoter(100, 32).state_dict()
    torch.save({"model_state_dict": published}, opt_ml.channel("checkpoint") / "weights.pth")
    (opt_ml.config / "hyperparameters.json").write_text(json.dumps({"epochs": "1", "learning_rate": "0.000001"}))
    train_well(opt_ml)
    assert "of 100 other glosses: its last layer is left, one of 3 begins" in capsys.readouterr().out
    assert labels_of(opt_ml) == SHOWN
    after = torch.load(opt_ml.model / "weights.pth", weights_only=True)
    assert after["linear_class.weight"].shape == (3, 108)
    name = "transformer.encoder.layers.0.linear1.weight"
    torch.testing.assert_close(after[name].float(), published[name], atol=1e-3, rtol=0)


def test_ends_when_the_validation_loss_no_longer_falls(opt_ml, capsys):
    choose(opt_ml, epochs="50", patience="1", learning_rate="0.5")
    train_well(opt_ml)
    told = capsys.readouterr().out
    assert "the validation loss did not fall for 1" in told
    assert "step=98;" not in told


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        ({"epochs": "many"}, "InvalidHyperparameter: epochs: 'many' should be a valid integer"),
        ({"rotation": "13"}, "InvalidHyperparameter: rotation is not a hyperparameter of this model; it has "),
        ({"perspective": "0.5"}, "InvalidHyperparameter: perspective: '0.5' should be less than 0.5"),
        ({"frames": "9"}, "InvalidHyperparameter: frames: '9' should be greater than or equal to 10"),
    ],
)
def test_refuses_a_hyperparameter_in_the_failure_file(opt_ml, chosen, line):
    choose(opt_ml, **chosen)
    assert refusal(opt_ml).startswith(line)


def test_refuses_data_in_the_failure_file(opt_ml, clips):
    name = next(iter(clips))
    put(opt_ml, "training", {**clips, "HELLO/1": np.zeros((4, COUNT, 2))})
    assert refusal(opt_ml).startswith("CorruptData: 1 of 13 clips cannot be used")
    put(opt_ml, "training", clips, labels=SHOWN[:2])
    assert refusal(opt_ml).startswith(f"UnknownLabel: clips.npz, {SHOWN[2]}/")
    put(opt_ml, "training", clips, labels=["ONE"])
    assert "labels.json: needs two labels or more" in refusal(opt_ml)
    (opt_ml.channel("training") / "labels.json").unlink()
    put(opt_ml, "training", {name: clips[name]})
    assert refusal(opt_ml).startswith(f"UnusableData: all clips of the channel training show {name.partition('/')[0]};")
    put(opt_ml, "training", {**dict(list(clips.items())[:3])})
    assert refusal(opt_ml).startswith("UnusableData: there is only one clip of each gloss")
    put(opt_ml, "validation", {"HELLO/1": clips[name]})
    assert refusal(opt_ml).startswith("UnknownLabel: clips.npz, HELLO/1 shows 'HELLO'")
    (opt_ml.channel("training") / "clips.npz").unlink()
    assert refusal(opt_ml).startswith("EmptyChannel: the channel training is empty")


def checkpoint(folder, content, labels=None):
    folder.mkdir(exist_ok=True)
    torch.save(content, folder / "weights.pth")
    if labels is not None:
        (folder / "labels.json").write_text(json.dumps(labels))


def test_refuses_a_checkpoint_in_the_failure_file(opt_ml):
    folder = opt_ml.channel("checkpoint")
    folder.mkdir()
    assert refusal(opt_ml).startswith("EmptyChannel: the channel checkpoint is empty")
    (folder / "notes.txt").write_text("none")
    assert refusal(opt_ml).startswith("UnusableCheckpoint: the checkpoint has no weights.pth; put that or")
    (folder / "model.tar.gz").write_bytes(b"\x1f\x8b cut")
    assert refusal(opt_ml).startswith("UnusableCheckpoint: the channel checkpoint: model.tar.gz cannot be unpacked")
    (folder / "weights.pth").write_bytes(b"PK\x03\x04 cut")
    assert refusal(opt_ml).startswith("UnusableCheckpoint: the checkpoint: weights.pth cannot be read")
    checkpoint(folder, {"other": torch.zeros(1)})
    assert refusal(opt_ml).startswith("UnusableCheckpoint: the checkpoint's weights.pth are of another network")
    checkpoint(folder, Spoter(3, 16).state_dict(), ["ONE", "TWO"])
    assert "labels.json has 2 glosses, its network others" in refusal(opt_ml)
    checkpoint(folder, Spoter(3, 32).state_dict(), SHOWN)
    assert refusal(opt_ml).startswith(
        "InvalidHyperparameter: feed_forward is 16, and the checkpoint's 32; leave it out"
    )
    assert read_pretrained(folder, read_spec(SPEC_FILE)).glosses == tuple(SHOWN)


def test_refuses_to_go_on_with_other_clips_or_from_a_damaged_state(opt_ml, clips):
    course, _ = small_course(clips, Hyperparameters())
    step = opt_ml.checkpoints / "step-000000001"
    step.mkdir(parents=True)
    course.save(step)
    identity = {"model": "sign-language", **Hyperparameters.parse(SMALL | {"epochs": "1"}).model_dump()}
    (step / "training.json").write_text(json.dumps(identity))
    assert refusal(opt_ml).startswith("UnusableCheckpoint: step-000000001 is of a training with 12 clips, and this one")
    (step / "state.pth").write_bytes(b"PK\x03\x04 cut")
    assert refusal(opt_ml).startswith("UnusableCheckpoint: step-000000001 cannot be used; remove it.")


def test_a_loss_that_is_no_number_is_told_with_what_to_change(clips):
    course, _ = small_course(clips, Hyperparameters())
    with torch.no_grad():
        for parameter in course.best().parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(InvalidHyperparameter, match="learning_rate is too large: the loss is no number after step 1"):
        course.learn()


def test_drawn_clips_are_read_as_they_were_drawn(tmp_path):
    write_clips(tmp_path / "drawn" / "clips.npz", 21, 5)
    read = {(clip.gloss, clip.landmarks.tobytes()) for clip in read_clips(tmp_path / "drawn")}
    drawn = {(GLOSSES[number % len(GLOSSES)], draw_numbered(5, number).tobytes()) for number in range(21)}
    assert read == drawn
    assert [file.name for file in (tmp_path / "drawn").iterdir()] == ["clips.npz"]


def test_a_training_image_needs_no_scipy():
    """Nor what else only draws: the container has its own pins."""
    said = "import sys; sys.modules['scipy'] = sys.modules['matplotlib'] = None; import models.sign_language.train"
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}"}
    subprocess.run([sys.executable, "-c", said], cwd=ROOT, env=os.environ | path, check=True)


def test_f1_is_the_mean_over_the_glosses_that_are_there():
    labels, predicted = np.array([0, 0, 1, 1, 3]), np.array([0, 1, 1, 1, 2])
    assert macro_f1(labels, predicted) == pytest.approx(np.mean([2 / 3, 4 / 5, 0]))
