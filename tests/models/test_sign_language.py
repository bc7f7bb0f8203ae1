"""The drawn signs, and the committed artifact: it does what the model card says."""

import json
import subprocess
import sys

import numpy as np
import openvino
import pytest
import torch

from models.archive import pack
from models.labels import read_labels
from models.sign_language.clips import FEWEST_FRAMES, GLOSSES, MOST_FRAMES, draw_clip
from models.sign_language.dataset import draw_dataset, draw_numbered
from models.sign_language.demonstration import FOLDER, TrainingRun, parse_run
from models.sign_language.evaluate import agreement, predict
from models.sign_language.model_card import metrics_section
from models.sign_language.signs import SIGNS
from models.sign_language.train import Hyperparameters
from models.spec import read_spec
from sign_language.keypoints import BODY, COUNT, LEFT_HAND, RIGHT_HAND, read_keypoints
from sign_language.networks.spoter import build
from sign_language.normalisation import normalise

ROOT = FOLDER.parent.parent
ARTIFACT = FOLDER / "artifact"
FRESH_SEED = 20_261  # neither set of the committed training was drawn with it
SPEC = read_spec(FOLDER / "model.toml")


@pytest.fixture(scope="module")
def fresh():
    return draw_dataset(200, FRESH_SEED, "fresh clips")


@pytest.fixture(scope="module")
def metrics() -> dict:
    return json.loads((FOLDER / "metrics.json").read_text())


def native() -> torch.nn.Module:
    """The network in PyTorch, loaded as the server's engine loads it."""
    weights = torch.load(ARTIFACT / "weights.pth", weights_only=True)
    network = build(len(GLOSSES), weights)
    network.load_state_dict(weights, strict=True)
    return network.float().eval()


def softmax_of(network: torch.nn.Module, clip: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(clip)).softmax(dim=1).numpy()[0]


def distances(clip: np.ndarray, one: str, other: str) -> np.ndarray:
    return np.hypot(*(clip[:, BODY.index(one)] - clip[:, BODY.index(other)]).T)


@pytest.mark.parametrize("label", range(len(GLOSSES)))
def test_a_seed_draws_the_same_clip_again_and_another_seed_another(label):
    clip = draw_clip(label, np.random.default_rng(1))
    assert clip.dtype == np.float32
    assert clip.shape[1:] == (COUNT, 2)
    assert FEWEST_FRAMES <= len(clip) <= MOST_FRAMES
    assert np.array_equal(clip, draw_clip(label, np.random.default_rng(1)))
    other = draw_clip(label, np.random.default_rng(2))
    assert clip.shape != other.shape or not np.allclose(clip, other)


def test_what_is_drawn_is_a_person():
    for seed in range(40):
        clip = draw_numbered(FRESH_SEED, seed)
        clip = clip[clip[:, 0, 0] != 0]  # now and then nobody is seen
        right, left = BODY.index("rightShoulder"), BODY.index("leftShoulder")
        assert (clip[:, right, 0] < clip[:, left, 0]).all()  # facing us
        assert (clip[:, BODY.index("nose"), 1] < clip[:, BODY.index("neck"), 1]).all()
        assert (distances(clip, "leftEye", "rightEye") < distances(clip, "leftShoulder", "rightShoulder")).all()
        for hand, wrist in ((LEFT_HAND, "leftWrist"), (RIGHT_HAND, "rightWrist")):
            seen = clip[:, hand.start, 0] != 0
            gaps = np.abs(clip[seen, hand.start] - clip[seen, BODY.index(wrist)])
            assert gaps.max(initial=0) < 0.08


def test_two_handed_signs_show_both_hands_more_often():
    shown = {gloss: [] for gloss in GLOSSES}
    for number in range(10 * len(GLOSSES)):
        clip = draw_numbered(FRESH_SEED, number)
        shown[GLOSSES[number % len(GLOSSES)]].append((clip[:, LEFT_HAND, 0] != 0).mean())
    one, two = (
        [np.mean(shown[gloss]) for gloss, sign in SIGNS.items() if bool(sign.left) is both] for both in (False, True)
    )
    assert np.mean(two) > 2 * np.mean(one)


def test_refuses_a_sign_that_there_is_not():
    with pytest.raises(ValueError, match="label is 20; there are 20 signs, counted from 0"):
        draw_clip(20, np.random.default_rng(1))
    assert draw_clip(19, np.random.default_rng(1)).any()


def test_sets_take_turns_grow_at_their_end_and_share_no_clip(fresh):
    assert fresh.labels[:21].tolist() == [*range(20), 0]
    assert np.array_equal(normalise(draw_numbered(FRESH_SEED, 3)), fresh.clips[3])
    other = draw_numbered(FRESH_SEED + 1, 3)
    assert len(other) != len(fresh.clips[3]) or not np.allclose(normalise(other), fresh.clips[3])
    default = TrainingRun()
    assert default.held_out_seed != default.seed


def test_openvino_and_pytorch_agree_on_any_number_of_frames(fresh):
    network = native()
    long = np.concatenate(fresh.clips[:12])[:300]
    clips = [*fresh.clips[:20], fresh.clips[0][:2], long]
    expected = np.stack([softmax_of(network, clip) for clip in clips])
    np.testing.assert_allclose(predict(ARTIFACT, clips), expected, atol=1e-3)


def test_a_clip_played_backwards_is_the_same_to_it(fresh):
    """A limit that the card names."""
    forwards, backwards = predict(ARTIFACT, [fresh.clips[0], fresh.clips[0][::-1].copy()])
    assert backwards == pytest.approx(forwards, abs=1e-4)


def test_the_artifact_tells_fresh_clips(fresh, metrics):
    """As well as the card says, within what 200 clips can show: four standard errors."""
    said = metrics["accuracy"]
    measured = agreement(fresh.labels, predict(ARTIFACT, fresh.clips)).summary()
    assert abs(measured["accuracy"] - said) < 4 * (said * (1 - said) / len(fresh.labels)) ** 0.5 + 0.01
    assert measured["top_5_accuracy"] > 0.97


def test_metrics_follow_from_the_counts():
    probabilities = np.eye(len(GLOSSES), dtype=np.float32)[[0, 1, 1, 7]]
    measured = agreement(np.array([0, 1, 2, 19]), probabilities)
    assert measured.accuracy == 0.5
    assert measured.top_5 == 0.75  # equal scores stay in the labels' order: 2 is among the first five, 19 is not
    assert measured.confusion[2, 1] == measured.confusion[19, 7] == 1


def test_metrics_labels_and_card_say_the_same(metrics):
    default, labels = TrainingRun(), tuple(read_labels(SPEC, ARTIFACT).values())
    assert labels == GLOSSES == tuple(metrics["recall"])
    assert (metrics["clips"], metrics["epochs"], metrics["seed"]) == (default.clips, default.epochs, default.seed)
    assert (metrics["held_out_clips"], metrics["held_out_seed"]) == (default.held_out, default.held_out_seed)
    confusion = np.array(metrics["confusion_matrix"])
    assert confusion.sum(axis=1).tolist() == [default.held_out / len(GLOSSES)] * len(GLOSSES)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(metrics["accuracy"], abs=1e-4)
    assert metrics["accuracy"] > 0.9
    card = (FOLDER / "README.md").read_text()
    assert metrics_section(metrics) in card
    assert SPEC.model.notice is not None
    assert SPEC.model.notice in card
    for picture in ("confusion_matrix.png", "drawn_signs.png"):
        assert f"({picture})" in card
        assert (FOLDER / picture).read_bytes().startswith(b"\x89PNG")


def test_the_artifact_is_small_and_holds_the_network_alone(metrics, tmp_path):
    files = {file.name: file.stat().st_size for file in ARTIFACT.iterdir()}
    assert set(files) == {"labels.json", "model.bin", "model.xml", "weights.pth"}
    assert sum(files.values()) == metrics["artifact_bytes"] < 6_500_000
    assert pack(FOLDER / "model.toml", ARTIFACT, tmp_path / "model.tar.gz").stat().st_size < 6_500_000
    assert sum(parameter.numel() for parameter in native().parameters()) == metrics["parameters"]
    network = openvino.Core().read_model(ARTIFACT / "model.xml")
    assert network.input().partial_shape == openvino.PartialShape([-1, COUNT, 2])
    assert network.output().partial_shape[1].get_length() == len(GLOSSES)


def test_the_drawn_sample_is_the_drawing_it_is_said_to_be():
    (name, frames), *more = json.loads((FOLDER / "samples" / "keypoints.json").read_text()).items()
    assert (name, more) == ("keypoints_list", [])
    clip = read_keypoints(frames)
    np.testing.assert_allclose(clip, draw_numbered(11, 16), atol=6e-5)
    assert GLOSSES[predict(ARTIFACT, [normalise(clip)])[0].argmax()] == GLOSSES[16] == "WATER"


def test_every_sample_has_its_source_and_is_small():
    notes = (FOLDER / "samples" / "README.md").read_text()
    for file in (FOLDER / "samples").iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in notes
        assert file.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--clips", "30"], "--clips is 30; give a multiple of 20"),
        (["--held-out", "0"], "--held-out is 0; give a multiple of 20"),
        (["--epochs", "0"], "--epochs is 0; give 1 or more"),
        (["--seed", "-1"], "--seed is -1; give a number from 0"),
        (["--out", __file__], "is a file; give a folder"),
    ],
)
def test_training_refuses_a_bad_argument_before_it_starts(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_run(arguments)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err
    assert parse_run(["--clips", "40"]) == TrainingRun(clips=40)


def test_a_small_training_writes_everything_and_shows_its_progress(tmp_path):
    command = [sys.executable, "-m", "models.sign_language.demonstration", "--out", str(tmp_path / "new")]
    small = ["--clips", "20", "--held-out", "20", "--epochs", "1", "--seed", "3"]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command + small, cwd=ROOT, capture_output=True, text=True, check=True, env=path)
    for stage in ("drawing training clips: 100%", "drawing held-out clips: 100%", "training: 100%"):
        assert stage in run.stderr
    assert "on 20 held-out clips" in run.stdout
    recorded = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert (recorded["clips"], recorded["seed"], recorded["held_out_seed"]) == (20, 3, 4)
    for picture in ("confusion_matrix.png", "drawn_signs.png"):
        assert (tmp_path / "new" / picture).read_bytes().startswith(b"\x89PNG")
    assert predict(tmp_path / "new" / "artifact", [normalise(draw_numbered(1, 1))]).shape == (1, len(GLOSSES))


def test_the_card_names_every_hyperparameter_with_its_default():
    card = (FOLDER / "README.md").read_text()
    for name, field in Hyperparameters.model_fields.items():
        assert f"| `{name}` | {field.default} | {field.description} |" in card
