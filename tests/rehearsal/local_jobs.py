"""The two jobs of a training's run, each as a process on the image's content, by SageMaker's contract."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.local_run import environment
from rehearsal.sagemaker_jobs import Job
from tests.stacks.assembly import Assembly

MODEL, FOLDER = "face-mask", "face_mask"
BUCKET = "fovea-dev-training-000000000000-us-east-1"
TRAINED_VERSION = "2.0.0"
PROCESSING = "/opt/ml/processing"


class Training:
    """SageMaker's training job: the image's content, run by SageMaker's contract below a folder of its own.

    A training gives the same model whenever it has the same data: what is in `learned` is not trained again.
    """

    def __init__(self, image: Path, room: Path, s3: Any, learned: dict[str, Path]) -> None:
        """`learned` has the archives by what they were trained from, and is added to."""
        self._image, self._room, self._s3, self._learned = image, room, s3, learned
        self._jobs = dict[str, Job]()

    def create(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        name = parameters["TrainingJobName"]
        self._jobs[name] = Job("TrainingJob", parameters, lambda: self._train(parameters, self._room / name))
        return {"TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"}

    def describe(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._jobs[parameters["TrainingJobName"]].described

    def _train(self, parameters: Mapping[str, Any], root: Path) -> Mapping[str, Any]:
        source = self._source(parameters)
        if source not in self._learned:
            why = self._run(parameters, root)
            if why:
                return {"FailureReason": f"AlgorithmError: {why}"}
            self._learned[source] = _packed(root)
        key = f"{MODEL}/models/{parameters['TrainingJobName']}/output/model.tar.gz"
        assert parameters["OutputDataConfig"]["S3OutputPath"] == f"s3://{BUCKET}/{MODEL}/models"
        self._s3.upload_file(str(self._learned[source]), BUCKET, key)
        return {"ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/{key}"}}

    def _run(self, parameters: Mapping[str, Any], root: Path) -> str:
        """Why the container failed, if it did."""
        config = root / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps(parameters["HyperParameters"]))
        for name, uri in _channels(parameters):
            download(self._s3, uri, root / "input" / "data" / name)
        done = subprocess.run(
            [sys.executable, "-m", "training", "train", "--model", MODEL, "--root", str(root)],
            cwd=self._image,
            env=_of_image(self._image),
            capture_output=True,
            check=False,
        )
        failure = root / "output" / "failure"
        why = failure.read_text() if failure.exists() else done.stderr.decode()[-500:]
        return f"{why}, exit code: {done.returncode}" if done.returncode else ""

    def _source(self, parameters: Mapping[str, Any]) -> str:
        """The hyperparameters, and each channel's objects with the hash of what they hold."""
        objects = [
            (name, found["Key"], found["ETag"])
            for name, uri in _channels(parameters)
            for found in _listed(self._s3, uri)
        ]
        return json.dumps([parameters["HyperParameters"], objects])


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
        bucket, key = bucket_and_key(output["S3Output"]["S3Uri"])
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


def download(s3: Any, uri: str, folder: Path) -> None:
    """Every object below `uri`, or the one that it is, as SageMaker lays a channel out."""
    bucket, prefix = bucket_and_key(uri)
    for found in _listed(s3, uri):
        file = folder / (found["Key"].removeprefix(prefix) or Path(prefix).name)
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, found["Key"], str(file))


def _listed(s3: Any, uri: str) -> Sequence[Mapping[str, Any]]:
    bucket, prefix = bucket_and_key(uri)
    found: Sequence[Mapping[str, Any]] = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    return found


def _channels(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and address of each."""
    for channel in parameters["InputDataConfig"]:
        yield channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"]


def _packed(root: Path) -> Path:
    """The archive of a training's result, as SageMaker makes it."""
    file = root / "model.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        for each in sorted((root / "model").iterdir()):
            archive.add(each, each.name)
    return file


def _of_image(image: Path) -> dict[str, str]:
    return environment() | {"PYTHONPATH": f"{image}{os.pathsep}{image / 'containers'}"}


def bucket_and_key(uri: str) -> tuple[str, str]:
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
