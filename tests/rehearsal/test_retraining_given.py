"""What becomes of a training whose model and numbers are given, for what follows from neither.

A stand-in for train.py takes its data for the model; that real ones lead here, test_retraining.py shows.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.rehearsal.account import FACE, account_of, deployment
from tests.rehearsal.local_jobs import BUCKET, FOLDER, MODEL

TABLE = '\n[training]\nhyperparameters = { epochs = "1" }\n'
STAND_IN = """
import shutil
from training.classifier_hyperparameters import ClassifierHyperparameters as Hyperparameters

def train(job):
    shutil.copytree(job.channel("training"), job.model_dir, dirs_exist_ok=True)
"""
HELD_OUT = f"{MODEL}/data/held-out/without_mask/face.jpg"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    made = deployment(tmp_path_factory.mktemp("retraining"), TABLE)
    (made.image / "models" / FOLDER / "train.py").write_text(STAND_IN)
    return made


@pytest.fixture
def account(deployed, tmp_path):
    """Has the committed model to learn from."""
    with account_of(deployed, tmp_path) as made:
        made.upload(deployed.model / "artifact", "training")
        made.s3.upload_file(str(FACE), BUCKET, HELD_OUT)
        yield made


def found(low: float, high: float) -> Mapping[str, Any]:
    """An evaluation in which each measure differs by `low` to `high`."""
    value = {"value": 0.9, "low": 0.85, "high": 0.95}
    numbers = {"candidate": value, "current": value, "difference": {"value": low, "low": low, "high": high}}
    gated = ["f1", "precision", "roc_auc"]
    return {
        "model": MODEL,
        "task": "image-classification",
        "examples": 1,
        "data": {"sha256": "ab" * 32},
        "gated": gated,
        "measures": dict.fromkeys(gated, numbers),
    }


BETTER, MARGINAL = found(0.01, 0.03), found(-0.05, 0.03)


def test_a_marginal_candidate_that_somebody_rejects_halts_with_their_reason(account):
    account.evaluation.finds = MARGINAL
    execution = account.train()
    execution.waits_in("AskForApproval")
    account.told()
    assert account.decide(execution, "--reject", "too few examples").returncode == 0
    ended = execution.ended()
    assert (ended["error"], ended["cause"]) == ("ApprovalRejected", "too few examples")
    (package,) = account.packages()
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Rejected", "too few examples")
    assert account.stack.updates == []
    assert account.told()[0] == "face-mask (dev): ApprovalRejected"


def test_a_marginal_candidate_that_nobody_decides_about_is_not_served(account):
    account.evaluation.finds = MARGINAL
    execution = account.train(approval_s=3)
    ended = execution.ended()
    assert ended["error"] == "ApprovalTimedOut"
    assert [account.told()[0] for _ in range(2)] == [
        "face-mask (dev): AskForApproval",
        "face-mask (dev): ApprovalTimedOut",
    ]
    assert account.stack.updates == []
    assert account.decide(execution).returncode == 1


def test_without_data_no_job_is_started(account):
    account.s3.delete_object(Bucket=BUCKET, Key=HELD_OUT)
    execution = account.train()
    ended = execution.ended()
    assert ended["error"] == "DataUnusable"
    assert ended["cause"] == f"s3://{BUCKET}/{MODEL}/data/held-out/ holds no object; upload the examples there"
    assert "Train" not in execution.entered()


def test_a_candidate_that_does_not_answer_is_rolled_back(account):
    """Its graph is whole, so the training takes it for a model; its weights are not there."""
    for each in account.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{MODEL}/data/training/variables/")["Contents"]:
        account.s3.delete_object(Bucket=BUCKET, Key=each["Key"])
    account.evaluation.finds = BETTER
    execution = account.train()
    ended = execution.ended(180)
    assert ended["error"] == "SmokeTestFailed", (ended, execution.entered())
    assert "fovea-dev-face-mask-serverless: ValidationError: Endpoint is not in service." in ended["cause"]
    assert [each.rpartition("/")[2] for each in account.stack.updates] == ["model.tar.gz", "deployed"]
    assert account.served()[0] == "1.0.0"
    (package,) = account.packages()
    assert package["ModelApprovalStatus"] == "Rejected"
    assert account.told()[0] == "face-mask (dev): SmokeTestFailed"
