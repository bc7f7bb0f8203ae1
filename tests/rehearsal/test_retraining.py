"""What becomes of a training: the synthesized state machine itself is run, with real work behind its tasks.

The model's own train.py learns from drawn portraits, the evaluation asks both archives about others, and what they
measured decides. One epoch at so low a rate leaves a network as it began: from nothing it gives one answer to every
portrait, from the committed weights it is as good as they are, whatever the machine that it is trained on.
"""

import json
import shutil

import pytest

from tests.portraits import LABELS, write_portraits
from tests.rehearsal.account import SAMPLES, account_of, deployment
from tests.rehearsal.local_jobs import BUCKET, MODEL, TRAINED_VERSION

ANEW = '\n[training]\nhyperparameters = { epochs = "1", batch_size = "8", learning_rate = "0.00001" }\n'
GOING_ON = f'{ANEW}channels = ["training", "checkpoint"]\n'
LONG_S = 240  # of a run in which a network is trained, on a slow machine


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    """What is learned from, and what only the evaluation sees."""
    room = tmp_path_factory.mktemp("portraits")
    return write_portraits(room / "training", 24, stream=3), write_portraits(room / "held-out", 16, stream=4)


@pytest.fixture(scope="module")
def anew(tmp_path_factory):
    """Trains from nothing."""
    return deployment(tmp_path_factory.mktemp("anew"), ANEW)


@pytest.fixture(scope="module")
def going_on(tmp_path_factory):
    """Trains from the weights in the channel checkpoint."""
    return deployment(tmp_path_factory.mktemp("going_on"), GOING_ON)


@pytest.fixture
def account(anew, portraits, tmp_path):
    learned_from, held_out = portraits
    with account_of(anew, tmp_path) as made:
        made.upload(learned_from, "training")
        made.upload(held_out, "held-out")
        yield made


@pytest.fixture
def mistaken(going_on, portraits, tmp_path):
    """An account whose model is served with its labels the wrong way round, and trained from the committed weights."""
    learned_from, held_out = portraits
    spec = (going_on.model / "model.toml").read_text()
    (tmp_path / "model.toml").write_text(spec.replace(json.dumps(LABELS), json.dumps(LABELS[::-1])))
    with account_of(going_on, tmp_path) as made:
        made.serve(tmp_path / "model.toml", going_on.model / "artifact")
        made.upload(learned_from, "training")
        made.upload(going_on.model / "artifact", "checkpoint")
        made.upload(held_out, "held-out")
        yield made


def test_a_worse_candidate_halts_and_changes_nothing(account):
    ended = account.train().ended(LONG_S)
    assert (ended["status"], ended["error"]) == ("FAILED", "CandidateWorse"), ended
    assert "all of it below the -0.01 that is tolerated" in ended["cause"]
    assert (account.stack.updates, account.packages()) == ([], [])
    subject, message = account.told()
    assert subject == "face-mask (dev): CandidateWorse"
    assert ended["cause"] in message


def test_a_marginal_candidate_waits_and_is_served_once_somebody_says_so(account, tmp_path):
    """The same candidate, judged by two pictures that were labelled both ways: from these nothing follows."""
    for found in account.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{MODEL}/data/held-out/")["Contents"]:
        account.s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    for label in LABELS:
        shutil.copytree(SAMPLES, tmp_path / "doubtful" / label, ignore=shutil.ignore_patterns("*.md"))
    account.upload(tmp_path / "doubtful", "held-out")
    execution = account.train()
    execution.waits_in("AskForApproval", LONG_S)
    subject, message = account.told()
    assert subject == "face-mask (dev): AskForApproval"
    assert "on both sides of the -0.01 that is tolerated" in message
    assert f"python -m experiments.approve {execution.arn}" in message
    assert account.stack.updates == []
    done = account.decide(execution)
    assert done.returncode == 0, done.stderr
    assert "Replaces:  s3://assets/own.gz" in done.stdout
    ended = execution.ended()
    assert ended["status"] == "SUCCEEDED", (ended, execution.entered())
    assert account.served()[0] == TRAINED_VERSION
    again = account.decide(execution)
    assert (again.returncode, again.stdout) == (1, "")
    assert "waits for nobody" in again.stderr


def test_a_better_candidate_is_registered_and_served(mistaken):
    execution = mistaken.train()
    ended = execution.ended(LONG_S)
    assert ended["status"] == "SUCCEEDED", (ended, execution.entered())
    assert "AskForApproval" not in execution.entered()
    assert mistaken.served() == (TRAINED_VERSION, "without_mask")
    written = mistaken.evaluations()
    assert set(written) == {"evaluation.json", "report.json", "report.html"}
    evaluation = json.loads(written["evaluation.json"])
    measured = [evaluation["measures"][name] for name in evaluation["gated"]]
    assert all(each["current"]["value"] < 0.5 and each["difference"]["low"] > 0 for each in measured), measured
    (package,) = mistaken.packages()
    assert package["ModelApprovalStatus"] == "Approved"
    lineage = mistaken.registered.given[0]["CustomerMetadataProperties"]
    assert lineage["data:uri"] == f"s3://{BUCKET}/{MODEL}/data/"
    assert len(lineage["data:sha256"]) == 64
    assert lineage["code:image-digest"].startswith("sha256:")
    assert float(lineage["metric:f1"]) == pytest.approx(evaluation["measures"]["f1"]["candidate"]["value"], abs=1e-5)
    assert lineage["replaces"] == "s3://assets/own.gz"
    assert mistaken.told()[0] == "face-mask (dev): Deployed"


def test_a_training_that_crashes_reports_the_reason_of_its_failure_file(account):
    account.s3.put_object(Bucket=BUCKET, Key=f"{MODEL}/data/training/with_mask/00000.png", Body=b"no picture")
    execution = account.train()
    ended = execution.ended()
    assert ended["error"] == "TrainingFailed"
    assert "CorruptData: 1 of 24" in ended["cause"]
    assert "with_mask/00000.png" in ended["cause"]
    assert "Evaluate" not in execution.entered()
    subject, message = account.told()
    assert subject == "face-mask (dev): TrainingFailed"
    assert "with_mask/00000.png" in message
