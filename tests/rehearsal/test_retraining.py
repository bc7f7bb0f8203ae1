"""What becomes of a training: the synthesized state machine itself is run, with real work behind its tasks."""

import json
import shutil
import subprocess
import sys

import pytest

from experiments.local_run import environment
from models.archive import pack
from models.registry import ROOT
from rehearsal.states import interpreter, without_waits
from tests.local.conftest import LEFT_OUT
from tests.local_run import Caller
from tests.rehearsal.local_training import (
    BUCKET,
    FOLDER,
    MODEL,
    TRAINED_VERSION,
    TRAINER,
    Evaluation,
    Functions,
    ModelStack,
    Registry,
    Training,
    bindings,
    image_content,
)
from tests.stacks.assembly import synthesize
from tests.stacks.retraining import machine

PART = "face-mask-training"
FACE = ROOT / "models" / FOLDER / "samples" / "astronaut_face.jpg"
PREDICT = f"/models/{MODEL}/predict"
TABLE = '\n[training]\nhyperparameters = { epochs = "1" }\n'
BETTER, WORSE, MARGINAL = (0.01, 0.03), (-0.2, -0.1), (-0.05, 0.03)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A copy of this repository whose only model is trained anew, and its stacks."""
    room = tmp_path_factory.mktemp("retraining")
    root = room / "fovea"
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    for spec in (root / "models").glob("*/model.toml"):
        if spec.parent.name != FOLDER:
            shutil.rmtree(spec.parent)
    (root / "models" / FOLDER / "train.py").write_text(TRAINER)
    with (root / "models" / FOLDER / "model.toml").open("a") as opened:
        opened.write(TABLE)
    return root, synthesize("dev", room / "out", root)


class Account:
    """moto's services and what is bound beside them; `train` runs the machine."""

    def __init__(self, trained, room, moto, bound) -> None:
        root, assembly = trained
        self._room = room
        stack = assembly.part(PART)
        self.moto, self.s3 = moto, moto.client("s3")
        topic = moto.client("sns").create_topic(Name="trained")["TopicArn"]
        self._queue = moto.client("sqs").create_queue(QueueName="told")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:123456789012:told"
        moto.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.registry = moto.client("sagemaker")
        self.group = stack.only("SageMaker::ModelPackageGroup")["ModelPackageGroupName"]
        self.registry.create_model_package_group(
            ModelPackageGroupName=self.group, ModelPackageGroupDescription="trained here"
        )
        functions = Functions(stack, assembly.folder, {"Trained": topic})
        functions.environment |= {
            "AWS_ENDPOINT_URL": moto.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self.stack = ModelStack(root, room, self.s3, functions)
        image = image_content(assembly, PART, room)
        self.evaluation, self.registered = Evaluation(image, room / "evaluations", self.s3), Registry(self.registry)
        bound |= bindings(
            self.stack,
            Training(image, room / "jobs", self.s3),
            self.evaluation,
            functions,
            self.registered,
        )
        self._definition = machine(stack)
        self.s3.create_bucket(Bucket=BUCKET)
        self._upload_data(root)

    def _upload_data(self, root) -> None:
        artifact = root / "models" / FOLDER / "artifact"
        for file in artifact.rglob("*"):
            if file.is_file():
                self.s3.upload_file(str(file), BUCKET, f"{MODEL}/data/training/{file.relative_to(artifact)}")
        self.s3.upload_file(str(FACE), BUCKET, f"{MODEL}/data/held-out/without_mask/face.jpg")
        own = pack(root / "models" / FOLDER / "model.toml", artifact, self._room / "own.gz")
        self.s3.create_bucket(Bucket="assets")
        self.s3.upload_file(str(own), "assets", "own.gz")

    def train(self, difference, approval_s: int = 60):
        """Begins a run whose evaluation finds that `difference` of each measure, low and high."""
        low, high = difference
        value = {"value": 0.9, "low": 0.85, "high": 0.95}
        numbers = {"candidate": value, "current": value, "difference": {"value": low, "low": low, "high": high}}
        gated = ["f1", "precision", "roc_auc"]
        self.evaluation.finds = {
            "model": MODEL,
            "task": "image-classification",
            "examples": 1,
            "data": {"sha256": "ab" * 32},
            "gated": gated,
            "measures": dict.fromkeys(gated, numbers),
        }
        return self.moto.start("training", without_waits(self._definition, approval_s))

    def evaluate(self):
        """Begins a run whose evaluation is the real one."""
        return self.moto.start("training", without_waits(self._definition, 60))

    def told(self) -> tuple[str, str]:
        """The one message of the topic that nobody has read yet: its subject and text."""
        found = self.moto.client("sqs").receive_message(QueueUrl=self._queue, WaitTimeSeconds=5)["Messages"]
        (message,) = found
        self.moto.client("sqs").delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        body = json.loads(message["Body"])
        return body["Subject"], body["Message"]

    def packages(self) -> list[dict]:
        """Of the registry, newest last."""
        listed = self.registry.list_model_packages(ModelPackageGroupName=self.group)["ModelPackageSummaryList"]
        arns = sorted(each["ModelPackageArn"] for each in listed)
        return [self.registry.describe_model_package(ModelPackageName=arn) for arn in arns]

    def decide(self, execution, *more: str) -> subprocess.CompletedProcess:
        """By the command that the message names."""
        command = [sys.executable, "-m", "experiments.approve", execution.arn, *more]
        variables = {
            "AWS_ENDPOINT_URL": self.moto.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        return subprocess.run(
            command, cwd=ROOT, env=environment() | variables, capture_output=True, text=True, check=False
        )

    def served_version(self) -> str:
        """Of the model that answers through the local run's API."""
        answer = Caller(self.stack.local).predict(FACE.read_bytes(), path=PREDICT)
        assert answer.status_code == 200, answer.text
        return answer.json()["version"]


@pytest.fixture
def account(trained, tmp_path):
    bound = {}
    with interpreter(bound) as moto:
        made = Account(trained, tmp_path, moto, bound)
        yield made
        made.stack.stop()


def test_a_better_candidate_is_registered_and_served(account):
    execution = account.train(BETTER)
    ended = execution.ended()
    assert ended["status"] == "SUCCEEDED", (ended, execution.entered())
    assert account.served_version() == TRAINED_VERSION
    (package,) = account.packages()
    assert package["ModelApprovalStatus"] == "Approved"
    lineage = account.registered.given[0]["CustomerMetadataProperties"]
    assert lineage["data:uri"] == f"s3://{BUCKET}/{MODEL}/data/"
    assert len(lineage["data:sha256"]) == 64
    assert lineage["code:image-digest"].startswith("sha256:")
    assert (lineage["metric:f1"], lineage["replaces"]) == ("0.9", "s3://assets/own.gz")
    assert account.told()[0] == "face-mask (dev): Deployed"


def test_the_evaluation_asks_both_models_about_the_held_out_examples(account):
    """The candidate is the current model over again, so no measure differs, and it is served."""
    masked = ROOT / "models" / FOLDER / "samples" / "drawn_with_mask.jpg"
    account.s3.upload_file(str(masked), BUCKET, f"{MODEL}/data/held-out/with_mask/face.jpg")
    execution = account.evaluate()
    ended = execution.ended(180)
    assert ended["status"] == "SUCCEEDED", (ended, execution.entered())
    found = account.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{MODEL}/evaluations/")["Contents"]
    assert {each["Key"].rpartition("/")[2] for each in found} == {"evaluation.json", "report.json", "report.html"}
    (evaluation,) = [each["Key"] for each in found if each["Key"].endswith("evaluation.json")]
    measures = json.loads(account.s3.get_object(Bucket=BUCKET, Key=evaluation)["Body"].read())["measures"]
    assert measures["f1"]["candidate"] == measures["f1"]["current"]
    assert measures["f1"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert account.served_version() == TRAINED_VERSION


def test_a_worse_candidate_halts_and_changes_nothing(account):
    ended = account.train(WORSE).ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "CandidateWorse")
    assert "f1 is 0.900, now 0.900" in ended["cause"]
    assert (account.stack.updates, account.packages()) == ([], [])
    subject, message = account.told()
    assert subject == "face-mask (dev): CandidateWorse"
    assert ended["cause"] in message


def test_a_marginal_candidate_waits_and_is_served_once_somebody_says_so(account):
    execution = account.train(MARGINAL)
    execution.waits_in("AskForApproval")
    subject, message = account.told()
    assert subject == "face-mask (dev): AskForApproval"
    assert f"python -m experiments.approve {execution.arn}" in message
    assert account.stack.updates == []
    done = account.decide(execution)
    assert done.returncode == 0, done.stderr
    assert "Replaces:  s3://assets/own.gz" in done.stdout
    ended = execution.ended()
    assert ended["status"] == "SUCCEEDED", (ended, execution.entered())
    assert account.served_version() == TRAINED_VERSION
    again = account.decide(execution)
    assert (again.returncode, again.stdout) == (1, "")
    assert "waits for nobody" in again.stderr


def test_a_marginal_candidate_that_somebody_rejects_halts_with_their_reason(account):
    execution = account.train(MARGINAL)
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
    execution = account.train(MARGINAL, approval_s=3)
    ended = execution.ended()
    assert ended["error"] == "ApprovalTimedOut"
    assert [account.told()[0] for _ in range(2)] == [
        "face-mask (dev): AskForApproval",
        "face-mask (dev): ApprovalTimedOut",
    ]
    assert account.stack.updates == []
    assert account.decide(execution).returncode == 1


def test_a_training_that_crashes_reports_the_reason_of_its_failure_file(account):
    account.s3.put_object(Bucket=BUCKET, Key=f"{MODEL}/data/training/damaged", Body=b"?")
    execution = account.train(BETTER)
    ended = execution.ended()
    assert ended["error"] == "TrainingFailed"
    assert "training/damaged: is no picture; remove it" in ended["cause"]
    assert "Evaluate" not in execution.entered()
    subject, message = account.told()
    assert subject == "face-mask (dev): TrainingFailed"
    assert "training/damaged: is no picture; remove it" in message


def test_without_data_no_job_is_started(account):
    account.s3.delete_object(Bucket=BUCKET, Key=f"{MODEL}/data/held-out/without_mask/face.jpg")
    execution = account.train(BETTER)
    ended = execution.ended()
    assert ended["error"] == "DataUnusable"
    assert ended["cause"] == f"s3://{BUCKET}/{MODEL}/data/held-out/ holds no object; upload the examples there"
    assert "Train" not in execution.entered()


def test_a_candidate_that_does_not_answer_is_rolled_back(account):
    """Its graph is whole, so the training takes it for a model; its weights are not there."""
    for found in account.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{MODEL}/data/training/variables/")["Contents"]:
        account.s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    execution = account.train(BETTER)
    ended = execution.ended(180)
    assert ended["error"] == "SmokeTestFailed", (ended, execution.entered())
    assert "fovea-dev-face-mask-serverless: ValidationError: Endpoint is not in service." in ended["cause"]
    assert [each.rpartition("/")[2] for each in account.stack.updates] == ["model.tar.gz", "deployed"]
    assert account.served_version() == "1.0.0"
    (package,) = account.packages()
    assert package["ModelApprovalStatus"] == "Rejected"
    assert account.told()[0] == "face-mask (dev): SmokeTestFailed"
