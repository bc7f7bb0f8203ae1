"""A model that was trained anew is served here as on AWS: its stack is told of another archive."""

import pytest

from experiments.local_run import DidNotStart, start_local
from local.__main__ import main
from models.archive import pack
from models.registry import load_models
from tests.local_run import FUNDUS, PREDICT, Caller

MODEL = "diabetic-retinopathy"


@pytest.fixture(scope="module")
def trained(copy, tmp_path_factory):
    """A copy whose model is trained anew, and an archive that came of it: version 2.0.0."""
    spec = copy / "models" / "diabetic_retinopathy" / "model.toml"
    room = tmp_path_factory.mktemp("trained")
    (room / "model.toml").write_text(spec.read_text().replace('version = "1.0.0"', 'version = "2.0.0"'))
    with spec.open("a") as opened:
        opened.write("\n[training]\n")
    (model,) = load_models(copy)
    pack(room / "model.toml", model.artifact, room / "model.tar.gz")
    return copy, room / "model.tar.gz"


def version(caller: Caller) -> str:
    answer = caller.predict(FUNDUS.read_bytes(), path=PREDICT)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


def test_the_other_archive_is_what_answers(trained, tmp_path):
    root, archive = trained
    with start_local(tmp_path / "new", f"--archive={MODEL}={archive}", root=root) as local:
        assert version(Caller(local)) == "2.0.0"
    with start_local(tmp_path / "own", root=root) as local:
        assert version(Caller(local)) == "1.0.0"


def test_a_model_that_aws_does_not_train_takes_another_too(trained, tmp_path):
    _, archive = trained
    with start_local(tmp_path / "state", f"--archive={MODEL}={archive}") as local:
        assert version(Caller(local)) == "2.0.0"


def test_an_archive_of_a_model_that_is_not_there_is_refused(trained, tmp_path):
    root, archive = trained
    with (
        pytest.raises(DidNotStart, match=r"face-mask: no stack has an endpoint that takes an archive of it"),
        start_local(tmp_path / "state", f"--archive=face-mask={archive}", root=root),
    ):
        pass


def test_a_file_that_is_not_there_is_named(capsys):
    with pytest.raises(SystemExit):
        main(["--archive", f"{MODEL}=nowhere.tar.gz"])
    assert "there is no file 'nowhere.tar.gz'; give such as face-mask=model.tar.gz" in capsys.readouterr().err
