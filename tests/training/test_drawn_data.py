"""What a training without DATA begins with, and what those are told who have data of their own."""

import numpy as np
import pytest
from PIL import Image

from local.train import channels_of, main
from model_server.engines.pytorch import read_weights
from models.brain_tumor import train as brain_tumor
from models.brain_tumor.dataset import draw_numbered
from models.brain_tumor.evaluate import predict
from models.face_mask import train as face_mask
from models.registry import ROOT
from models.spec import read_spec

FOLDER = ROOT / "models" / "brain_tumor"


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """The folder of a few slices, as `make train` draws them with seed 7."""
    monkeypatch.setattr(brain_tumor, "_DRAWN_IMAGES", 20)
    brain_tumor.draw(tmp_path / "drawn", 7)
    return tmp_path / "drawn"


def test_drawn_slices_come_with_the_committed_weights_and_are_none_that_those_learnt(drawn):
    channels = channels_of(drawn)
    assert sorted(channels) == ["checkpoint", "training"]
    (weights,) = channels["checkpoint"].iterdir()
    assert weights.read_bytes() == (FOLDER / "artifact" / weights.name).read_bytes()
    assert sorted(folder.name for folder in channels["training"].iterdir()) == ["no", "yes"]
    pixels = np.asarray(Image.open(channels["training"] / "no" / "00000.png"))
    assert np.array_equal(pixels, draw_numbered(8, 0))
    assert not np.array_equal(pixels, draw_numbered(7, 0))


def test_a_training_from_weights_keeps_what_they_know(drawn, train, tmp_path):
    assert train(channels_of(drawn), model="brain-tumor", epochs=1) == (0, "")
    samples = [Image.open(FOLDER / "samples" / f"drawn_{label}.png") for label in ("no", "yes")]
    answers = predict(tmp_path / "opt_ml" / "model", np.stack([np.asarray(sample) for sample in samples]))
    assert answers.argmax(axis=1).tolist() == [0, 1]
    trained, given = (
        read_weights(folder / "weights.pth") for folder in (tmp_path / "opt_ml/model", FOLDER / "artifact")
    )
    assert any(not np.array_equal(trained[name], given[name]) for name in given)


def test_who_has_data_is_told_of_the_notice_first_and_the_result_keeps_it(portraits, tmp_path, capfd):
    notice = read_spec(ROOT / "models" / "face_mask" / "model.toml").model.notice
    asked = ["face-mask", "--data", str(portraits), "--work", str(tmp_path), "--set", "epochs=1"]
    assert main([*asked, "batch_size=none"]) == 1
    told = capfd.readouterr().out
    assert f'"{notice}", as models/face_mask/model.toml does' in told
    assert main(asked) == 0
    assert read_spec(tmp_path / "face-mask" / "model" / "model.toml").model.notice == notice


def test_a_drawing_that_was_interrupted_is_begun_again(tmp_path, monkeypatch):
    def interrupted(folder, _seed):
        folder.mkdir(parents=True)
        (folder / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(face_mask, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(["face-mask", "--work", str(tmp_path)])
    assert not (tmp_path / "face-mask" / "drawn").exists()
