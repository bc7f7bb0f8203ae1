"""What the tasks of a training's state machine are bound to here: the functions' own packages and the training, each as
a process, moto's S3, SNS and model registry, and the local run in place of the model's stack.

Of AWS only what no machine here has is made up: an image's digest, and how far CloudFormation is.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from experiments.local_run import DidNotStart, Local, environment, start_local
from rehearsal.sagemaker_jobs import Job
from rehearsal.states import Call, payload
from tests.stacks.assembly import Assembly, Stack
from tests.stacks.retraining import UNKNOWN, resolved_text

MODEL, FOLDER = "face-mask", "face_mask"
BUCKET = "fovea-dev-training-000000000000-us-east-1"
TRAINED_VERSION = "2.0.0"
PROCESSING = "/opt/ml/processing"

# What stands in for a model's train.py: it "learns" by taking its data for the model.
TRAINER = """
import shutil
from training.errors import UnusableData
from training.hyperparameters import Hyperparameters as Base

class Hyperparameters(Base):
    epochs: int

def train(job):
    data = job.channel("training")
    if (data / "damaged").exists():
        raise UnusableData("training/damaged: is no picture; remove it")
    shutil.copytree(data, job.model_dir, dirs_exist_ok=True)
"""

_CALL = """
import importlib, json, sys
module, name = sys.argv[1].rsplit(".", 1)
try:
    answer = {"answer": getattr(importlib.import_module(module), name)(json.load(sys.stdin), None)}
except Exception as error:
    answer = {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}
json.dump(answer, sys.stdout)
"""


class Functions:
    """The functions of the stack, each run from its package as synth wrote it."""

    def __init__(self, stack: Stack, folder: Path, told: Mapping[str, str]) -> None:
        """`told` has what only AWS knows, such as a topic's ARN, by its logical id."""
        self._folder, self._told, self.environment = folder, told, dict[str, str]()
        self._functions = {f"{UNKNOWN}{name}": each["Properties"] for name, each in stack.resources("Lambda::Function")}

    def invoke(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        function = self._functions[parameters["FunctionName"]]
        (package,) = self._folder.glob(f"asset.{function['Code']['S3Key'].removesuffix('.zip')}")
        variables = function.get("Environment", {}).get("Variables", {})
        done = subprocess.run(
            [sys.executable, "-c", _CALL, function["Handler"]],
            cwd=package,
            env={
                **{name: self._resolved(value) for name, value in variables.items()},
                "PYTHONPATH": str(package),
                **self.environment,
            },
            input=parameters["Payload"],
            capture_output=True,
            timeout=120,
            check=True,
        )
        said = json.loads(done.stdout)
        return payload(said.get("answer"), said.get("error"))

    def _resolved(self, value: Any) -> str:
        text = resolved_text(value)
        return self._told.get(text.removeprefix(UNKNOWN), text)


class Training:
    """SageMaker's training job: the image's content, run by SageMaker's contract below a folder of its own."""

    def __init__(self, image: Path, room: Path, s3: Any) -> None:
        self._image, self._room, self._s3, self._jobs = image, room, s3, dict[str, Job]()

    def create(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        name = parameters["TrainingJobName"]
        self._jobs[name] = Job("TrainingJob", parameters, lambda: self._train(parameters, self._room / name))
        return {"TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"}

    def describe(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._jobs[parameters["TrainingJobName"]].described

    def _train(self, parameters: Mapping[str, Any], root: Path) -> Mapping[str, Any]:
        config = root / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps(parameters["HyperParameters"]))
        for channel in parameters["InputDataConfig"]:
            source = channel["DataSource"]["S3DataSource"]["S3Uri"]
            download(self._s3, source, root / "input" / "data" / channel["ChannelName"])
        done = subprocess.run(
            [sys.executable, "-m", "training", "train", "--model", MODEL, "--root", str(root)],
            cwd=self._image,
            env=_of_image(self._image),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            failure = root / "output" / "failure"
            why = failure.read_text() if failure.exists() else done.stderr.decode()[-500:]
            return {"FailureReason": f"AlgorithmError: {why}, exit code: {done.returncode}"}
        key = f"models/{parameters['TrainingJobName']}/output/model.tar.gz"
        assert parameters["OutputDataConfig"]["S3OutputPath"] == f"s3://{BUCKET}/{MODEL}/models"
        with tarfile.open(root / "model.tar.gz", "w:gz") as archive:
            for file in sorted((root / "model").iterdir()):
                archive.add(file, file.name)
        self._s3.upload_file(str(root / "model.tar.gz"), BUCKET, f"{MODEL}/{key}")
        return {"ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/{MODEL}/{key}"}}


class Evaluation:
    """SageMaker's processing job: the image's content, told what the job's container is, in folders of its own.

    Where it is said beforehand what it `finds`, that is written where the job's output goes.
    """

    def __init__(self, image: Path, room: Path, s3: Any) -> None:
        self._image, self._room, self._s3, self._jobs = image, room, s3, dict[str, Job]()
        self.finds: Mapping[str, Any] | None = None

    def create(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        name = parameters["ProcessingJobName"]
        self._jobs[name] = Job("ProcessingJob", parameters, lambda: self._evaluate(parameters))
        return {"ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}"}

    def describe(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._jobs[parameters["ProcessingJobName"]].described

    def _evaluate(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        (output,) = parameters["ProcessingOutputConfig"]["Outputs"]
        room = self._room / parameters["ProcessingJobName"]
        written = room / "evaluation"
        if self.finds is None:
            why = self._compare(parameters, room)
            if why:
                return {"FailureReason": f"AlgorithmError: {why}"}
        else:
            written.mkdir(parents=True)
            (written / "evaluation.json").write_text(json.dumps(self.finds))
        bucket, key = _split(output["S3Output"]["S3Uri"])
        for file in written.iterdir():
            self._s3.upload_file(str(file), bucket, f"{key}/{file.name}")
        return {}

    def _compare(self, parameters: Mapping[str, Any], room: Path) -> str:
        """Why the container failed, if it did."""
        for each in parameters["ProcessingInputs"]:
            place = each["S3Input"]["LocalPath"].replace(PROCESSING, str(room))
            download(self._s3, each["S3Input"]["S3Uri"], Path(place))
        container = parameters["AppSpecification"]
        assert container["ContainerEntrypoint"][0] == "python"
        told = [word.replace(PROCESSING, str(room)) for word in container["ContainerArguments"]]
        done = subprocess.run(
            [sys.executable, *container["ContainerEntrypoint"][1:], *told],
            cwd=self._image,
            env=_of_image(self._image),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr[-500:] if done.returncode else ""


class ModelStack:
    """The model's stack as CloudFormation tells of it: a local run, started anew with the archive it is given."""

    def __init__(self, root: Path, room: Path, s3: Any, functions: Functions) -> None:
        self._root, self._room, self._s3, self._functions = root, room, s3, functions
        self._running = contextlib.ExitStack()
        self.local: Local | None = None
        self.archive, self.status = "s3://deployed", "CREATE_COMPLETE"
        self.updates: list[str] = []

    def describe(self, _parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        served = "s3://assets/own.gz" if self.archive == "s3://deployed" else self.archive
        stack = {
            "StackStatus": self.status,
            "Parameters": [{"ParameterKey": "ModelArchive", "ParameterValue": self.archive}],
            "Outputs": [
                {"OutputKey": "serverlessEndpointName", "OutputValue": "fovea-dev-face-mask-serverless"},
                {"OutputKey": "ServedArchive", "OutputValue": served},
            ],
        }
        return {"Stacks": [stack]}

    def update(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        (given,) = parameters["Parameters"]
        self.archive, self.status = given["ParameterValue"], "UPDATE_IN_PROGRESS"
        self.updates.append(self.archive)
        Thread(target=self._serve, daemon=True).start()
        return {"StackId": f"{parameters['StackName']}/1"}

    def _serve(self) -> None:
        self._running.close()
        arguments = []
        if self.archive != "s3://deployed":
            file = self._room / f"{len(self.updates)}.tar.gz"
            self._s3.download_file(*_split(self.archive), str(file))
            arguments = [f"--archive={MODEL}={file}"]
        state = self._room / f"local-{len(self.updates)}"
        try:
            self.local = self._running.enter_context(start_local(state, *arguments, root=self._root))
        except DidNotStart:
            self.status = "UPDATE_ROLLBACK_COMPLETE"
            raise
        self._functions.environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = self.local.runtime_url
        self.status = "UPDATE_COMPLETE"

    def stop(self) -> None:
        self._running.close()


def download(s3: Any, uri: str, folder: Path) -> None:
    """Every object below `uri`, or the one that it is, as SageMaker lays a channel out."""
    bucket, prefix = _split(uri)
    for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        file = folder / (found["Key"].removeprefix(prefix) or Path(prefix).name)
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, found["Key"], str(file))


def _of_image(image: Path) -> dict[str, str]:
    return environment() | {"PYTHONPATH": f"{image}{os.pathsep}{image / 'containers'}"}


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def image_content(assembly: Assembly, part: str, room: Path) -> Path:
    """What the training's image holds, of a later version of the code than the one that is served."""
    images = assembly.part(part).assets["dockerImages"].values()
    (source,) = [each["source"] for each in images if each["source"].get("dockerBuildTarget") == "training"]
    content = shutil.copytree(assembly.folder / source["directory"], room / "image")
    spec = content / "models" / FOLDER / "model.toml"
    spec.write_text(spec.read_text().replace('version = "1.0.0"', f'version = "{TRAINED_VERSION}"'))
    return content


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
