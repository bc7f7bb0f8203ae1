"""What is wrong with a classifier's job is one line of the failure file, told before any framework is imported."""

import os
import shutil
import subprocess
import sys

import pytest

from models.registry import ROOT
from tests.training.conftest import MASK, save_pictures


@pytest.fixture
def pictures(tmp_path):
    """Fifty of each label."""
    for label in MASK:
        save_pictures(tmp_path / "data" / label, 50)
    return tmp_path / "data"


def remove_all(folder):
    for file in folder.iterdir():
        file.unlink()


def test_an_empty_channel(train, tmp_path):
    (tmp_path / "nothing").mkdir()
    assert train({"training": tmp_path / "nothing"}) == (
        1,
        "EmptyChannel: the channel training is empty; look at the S3 prefix that it reads",
    )
    assert train({}) == (1, "EmptyChannel: there is no channel training; add it to the job's InputDataConfig")


def test_an_empty_folder_of_a_label(train, pictures):
    remove_all(pictures / "without_mask")
    assert train({"training": pictures}) == (
        1,
        "EmptyChannel: training holds no picture of without_mask; the model needs some of each of its labels",
    )


def test_a_label_with_a_single_picture(train, pictures):
    for number in range(1, 50):
        (pictures / "with_mask" / f"{number}.png").unlink()
    status, reason = train({"training": pictures})
    assert status == 1
    assert "a single picture cannot be split: to judge by there is no picture of with_mask" in reason


def test_a_label_outside_the_map(train, pictures):
    (pictures / "without_mask").rename(pictures / "no_mask")
    assert train({"training": pictures}) == (
        1,
        "UnknownLabel: the folder training/no_mask: 'no_mask' is no label of this model; "
        "it knows with_mask, without_mask: rename it, or change labels in model.toml",
    )


def test_more_than_a_hundredth_that_is_corrupt(train, pictures):
    for number in (1, 2):
        (pictures / "with_mask" / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    status, reason = train({"training": pictures})
    assert (status, reason) == (
        1,
        "CorruptData: 2 of 100 pictures cannot be read, more than 1%: with_mask/1.png (IMAGE_UNDECODABLE), "
        "with_mask/2.png (IMAGE_UNDECODABLE); mend or remove them",
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": "many"}, "epochs: 'many' should be a valid integer"),
        ({"learning_rate": "0"}, "learning_rate: '0' should be greater than 0"),
        ({"validation_share": "1"}, "validation_share: '1' should be less than 1"),
        ({"batchsize": "8"}, "batchsize is not a hyperparameter of this model; it has augment, batch_size"),
    ],
)
def test_a_hyperparameter_that_is_none(train, pictures, given, said):
    status, reason = train({"training": pictures}, **given)
    assert status == 1
    assert reason.startswith(f"InvalidHyperparameter: {said}")


def test_a_channel_for_a_checkpoint_without_one(train, pictures, tmp_path):
    checkpoint = tmp_path / "weights"
    checkpoint.mkdir()
    (checkpoint / "notes.txt").touch()
    channels = {"training": pictures, "checkpoint": checkpoint}
    assert train(channels) == (
        1,
        "UnusableCheckpoint: the channel checkpoint holds no saved_model.pb, *.keras, *.weights.h5 nor model.tar.gz; "
        "put one there, or drop it",
    )
    (checkpoint / "model.tar.gz").write_bytes(b"no archive")
    assert train(channels)[1].startswith("UnusableCheckpoint: the channel checkpoint: ")
    for name in ("a.keras", "b.keras"):
        (checkpoint / name).touch()
    (checkpoint / "model.tar.gz").unlink()
    assert "holds a.keras, b.keras; leave the one to go on from" in train(channels)[1]


def test_no_space(train, pictures):
    """Every byte that is written to /dev/full finds no space."""

    def fill(opt_ml):
        opt_ml.output_data.mkdir(parents=True)
        (opt_ml.output_data / "validation.csv").symlink_to("/dev/full")

    assert train({"training": pictures}, prepare=fill) == (
        1,
        "NoSpace: the volume is full; give the job a larger one (VolumeSizeInGB), or make room",
    )


def test_a_framework_is_not_imported_for_a_job_that_cannot_be_done(pictures):
    """What is wrong is told in a second or two, not after the ten that TensorFlow takes."""
    shutil.rmtree(pictures / "with_mask")
    script = (
        "import sys; from pathlib import Path; from local.train import lay_out; from training.opt_ml import OptMl; "
        "from training.run import run; opt_ml = OptMl(Path(sys.argv[1])); "
        "lay_out(opt_ml, {'training': Path(sys.argv[2])}, {}); assert run('face-mask', opt_ml) == 1; "
        "assert not {'tensorflow', 'keras', 'torch'} & set(sys.modules)"
    )
    path = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}"}
    root = pictures.parent / "job"
    subprocess.run([sys.executable, "-c", script, str(root), str(pictures)], cwd=ROOT, env=path, check=True)
    assert (root / "output" / "failure").read_text().startswith("EmptyChannel")
