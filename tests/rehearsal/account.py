"""What the tasks of a training's state machine are bound to here, and a person before it.

The jobs and the two stacks are processes of this machine; S3, SNS and the model registry are moto's. Of AWS only what
no machine here has is made up: an image's digest, and how far CloudFormation is.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.local_run import environment
from models.archive import pack
from models.registry import ROOT
from rehearsal.states import Call, Execution, Interpreter, interpreter, without_waits
from tests.local.conftest import LEFT_OUT
from tests.local_run import Caller
from tests.rehearsal.local_jobs import BUCKET, FOLDER, MODEL, Evaluation, Training, image_content
from tests.rehearsal.local_stacks import Functions, ModelStack
from tests.stacks.assembly import Assembly, synthesize
from tests.stacks.retraining import machine

PART = "face-mask-training"
SAMPLES = ROOT / "models" / FOLDER / "samples"
FACE = SAMPLES / "astronaut_face.jpg"
_PREDICT = f"/models/{MODEL}/predict"
_SERVED = "own.gz"
_LOCAL = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A copy of this repository whose only model is trained anew, its stacks, and what its training's image holds.

    `learned` is what its trainings have made, for those that come after.
    """

    root: Path
    assembly: Assembly
    image: Path
    learned: dict[str, Path] = field(default_factory=dict)

    @property
    def model(self) -> Path:
        """The folder of the model."""
        return self.root / "models" / FOLDER


def deployment(room: Path, table: str) -> Deployment:
    """Below the folder `room`, with the [training] table that is given."""
    root = room / "fovea"
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    for spec in (root / "models").glob("*/model.toml"):
        if spec.parent.name != FOLDER:
            shutil.rmtree(spec.parent)
    with (root / "models" / FOLDER / "model.toml").open("a") as opened:
        opened.write(table)
    assembly = synthesize("dev", room / "out", root)
    return Deployment(root, assembly, image_content(assembly, PART, room))


class Account:
    """moto's services and what is bound beside them. It serves the model as it was committed, and has no data yet."""

    def __init__(self, deployed: Deployment, room: Path, moto: Interpreter, bound: dict[str, Call]) -> None:
        stack = deployed.assembly.part(PART)
        self._room, self._definition = room, machine(stack)
        self.moto, self.s3 = moto, moto.client("s3")
        topic = self._topic()
        self.registry = moto.client("sagemaker")
        self.group = stack.only("SageMaker::ModelPackageGroup")["ModelPackageGroupName"]
        described = {"ModelPackageGroupDescription": "trained here"}
        self.registry.create_model_package_group(ModelPackageGroupName=self.group, **described)
        functions = Functions(stack, deployed.assembly.folder, {"Trained": topic})
        functions.environment |= {"AWS_ENDPOINT_URL": moto.url, **_LOCAL}
        self.stack = ModelStack(deployed.root, room, self.s3, functions)
        self.evaluation = Evaluation(deployed.image, room / "evaluations", self.s3)
        self.registered = Registry(self.registry)
        training = Training(deployed.image, room / "jobs", self.s3, deployed.learned)
        bound |= bindings(self.stack, training, self.evaluation, functions, self.registered)
        for bucket in (BUCKET, "assets"):
            self.s3.create_bucket(Bucket=bucket)
        self.serve(deployed.model / "model.toml", deployed.model / "artifact")

    def _topic(self) -> str:
        """Its ARN; what it says goes to a queue."""
        topic: str = self.moto.client("sns").create_topic(Name="trained")["TopicArn"]
        self._queue = self.moto.client("sqs").create_queue(QueueName="told")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:123456789012:told"
        self.moto.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return topic

    def serve(self, spec_file: Path, artifact: Path) -> None:
        """The archive that was deployed with the model's stack, and that a candidate is compared with."""
        own = pack(spec_file, artifact, self._room / _SERVED)
        self.s3.upload_file(str(own), "assets", _SERVED)

    def upload(self, folder: Path, channel: str) -> None:
        """All of `folder`, as the data of a channel, or of `held-out`."""
        for file in folder.rglob("*"):
            if file.is_file():
                self.s3.upload_file(str(file), BUCKET, f"{MODEL}/data/{channel}/{file.relative_to(folder)}")

    def train(self, approval_s: int = 60) -> Execution:
        """Begins a run."""
        return self.moto.start("training", without_waits(self._definition, approval_s))

    def evaluations(self) -> Mapping[str, bytes]:
        """What the one evaluation wrote, by the names of its files."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{MODEL}/evaluations/")["Contents"]
        keys = {each["Key"].rpartition("/")[2]: each["Key"] for each in found}
        return {name: self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for name, key in keys.items()}

    def told(self) -> tuple[str, str]:
        """The one message of the topic that nobody has read yet: its subject and text."""
        found = self.moto.client("sqs").receive_message(QueueUrl=self._queue, WaitTimeSeconds=5)["Messages"]
        (message,) = found
        self.moto.client("sqs").delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        body = json.loads(message["Body"])
        return body["Subject"], body["Message"]

    def packages(self) -> Sequence[Mapping[str, Any]]:
        """Of the registry, newest last."""
        listed = self.registry.list_model_packages(ModelPackageGroupName=self.group)["ModelPackageSummaryList"]
        arns = sorted(each["ModelPackageArn"] for each in listed)
        return [self.registry.describe_model_package(ModelPackageName=arn) for arn in arns]

    def decide(self, execution: Execution, *more: str) -> "subprocess.CompletedProcess[str]":
        """By the command that the message names."""
        return subprocess.run(
            [sys.executable, "-m", "experiments.approve", execution.arn, *more],
            cwd=ROOT,
            env=environment() | {"AWS_ENDPOINT_URL": self.moto.url, **_LOCAL},
            capture_output=True,
            text=True,
            check=False,
        )

    def served(self) -> tuple[str, str]:
        """The version of the model that answers through the local run's API, and what it takes a bare face for."""
        answer = Caller(self.stack.local).predict(FACE.read_bytes(), path=_PREDICT)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return told["version"], told["predictions"][0]["label"]


@contextlib.contextmanager
def account_of(deployed: Deployment, room: Path) -> Iterator[Account]:
    """An account while entered; `room` is a folder of its own."""
    bound: dict[str, Call] = {}
    with interpreter(bound) as moto:
        made = Account(deployed, room, moto, bound)
        yield made
        made.stack.stop()


class Registry:
    """moto's model registry. It forgets the metadata, so what it was given is kept here."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.given: list[Mapping[str, Any]] = []

    def create(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        self.given.append(parameters)
        return _without_metadata(self._client.create_model_package(**parameters))

    def update(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return _without_metadata(self._client.update_model_package(**parameters))


def bindings(
    stack: ModelStack, training: Training, evaluation: Evaluation, functions: Functions, registry: Registry
) -> dict[str, Call]:
    """What each call of the machine does."""
    return {
        "lambda:Invoke": functions.invoke,
        "ecr:DescribeImages": lambda _: {"ImageDetails": [{"ImageDigest": "sha256:" + "0" * 64}]},
        "cloudformation:DescribeStacks": stack.describe,
        "cloudformation:UpdateStack": stack.update,
        "sagemaker:CreateTrainingJob": training.create,
        "sagemaker:DescribeTrainingJob": training.describe,
        "sagemaker:CreateProcessingJob": evaluation.create,
        "sagemaker:DescribeProcessingJob": evaluation.describe,
        "sagemaker:CreateModelPackage": registry.create,
        "sagemaker:UpdateModelPackage": registry.update,
    }


def _without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
