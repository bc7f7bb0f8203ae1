"""The same by SageMaker: a Batch Transform of a deployed model over an S3 prefix, whose lines become our rows.

    pictures   one request each (SplitType None); the name of the object's output says whose it is
    *.jsonl    {"name": …, "image": "<base64>"} a line, as many in a request as fit (MultiRecord) or one (SingleRecord);
               JoinSource=Input has SageMaker keep the name beside the answer, which it does for JSON and CSV only

The container is asked for JSON lines, in which a picture that it cannot use is a line with its error code, and the job
goes on. Rehearsed against moto, which keeps jobs, calls each Completed at once and runs nothing: what a job writes, the
tests write with a real model server. None of it has met AWS.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import boto3

from contract.media import JSON_LINES
from experiments.batch.errors import InputFault, TransformFault
from experiments.batch.inputs import chosen, type_of
from experiments.batch.rows import Row, row_of
from models.registry import Model

LINES = ".jsonl"
STRATEGIES = ("MultiRecord", "SingleRecord")
MAX_PAYLOAD_MB, CONCURRENT = 6, 16  # SageMaker: their product is at most 100; a server of one worker lets in 33
TIMEOUT_S = 600
POLL_S = 15.0
_INSTANCE = "ml.m5.xlarge"  # where the endpoint has none, or one that transforms are not offered on


@dataclass(frozen=True, slots=True)
class Prefix:
    """`s3://bucket/key`, a place for objects."""

    bucket: str
    key: str

    @classmethod
    def read(cls, address: str) -> "Prefix":
        """Raises InputFault."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        if not address.startswith("s3://") or not bucket:
            raise InputFault(f"{address}: give s3://bucket/prefix, where the pictures are")
        return cls(bucket, f"{key.rstrip('/')}/" if key.strip("/") else "")

    @property
    def address(self) -> str:
        """As it was read, with a slash at its end."""
        return f"s3://{self.bucket}/{self.key}"


class Transform:
    """One job over what `source` holds. Every method raises botocore's errors as they are."""

    def __init__(self, model: Model, source: Prefix, strategy: str | None) -> None:
        """Raises InputFault for a prefix that is empty, or of pictures of several types."""
        self._model, self._source = model, source
        self._s3, self._sagemaker = boto3.client("s3"), boto3.client("sagemaker")
        found = [key.removeprefix(source.key) for key in self._keys(source)]
        lines = sorted(name for name in found if name.endswith(LINES))
        self.in_lines = bool(lines)
        self.names = lines or chosen(found, model.spec.model.task, source.address)
        self._strategy = strategy or STRATEGIES[0]
        if strategy and not lines:
            raise InputFault(f"--strategy: pictures are sent one by one; it is for *{LINES}, of which there are none")
        types = {JSON_LINES if lines else type_of(name) for name in self.names}
        if len(types) > 1:
            raise InputFault(
                f"{source.address}: holds {' and '.join(sorted(types))}; a job takes one type: a prefix for each"
            )
        self._type = types.pop()
        self.job = f"{model.spec.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        self.target = Prefix(source.bucket, f"{source.key.rstrip('/') or 'all'}-predictions/{self.job}/")

    def start(self, endpoint: str, names: Sequence[str]) -> None:
        """Creates the job for `names`, with the model that `endpoint` serves now. Raises TransformFault."""
        variant = self._variant(endpoint)
        manifest, listed = f"{self.target.key}manifest.json", [{"prefix": self._source.address}, *names]
        self._s3.put_object(
            Bucket=self.target.bucket,
            Key=manifest,
            Body=json.dumps(listed).encode(),
        )
        self._sagemaker.create_transform_job(
            TransformJobName=self.job,
            ModelName=variant["ModelName"].rpartition("/")[2],
            MaxConcurrentTransforms=CONCURRENT,
            MaxPayloadInMB=MAX_PAYLOAD_MB,
            ModelClientConfig={"InvocationsTimeoutInSeconds": TIMEOUT_S, "InvocationsMaxRetries": 3},
            Environment={"MODEL_SERVER_TIMEOUT": str(TIMEOUT_S)},
            TransformResources={"InstanceType": self._instance(variant), "InstanceCount": 1},
            **self.input_and_output(f"s3://{self.target.bucket}/{manifest}"),
        )

    def input_and_output(self, manifest: str) -> dict[str, Any]:
        """What is sent, how it is cut into requests, and what is kept of the answers."""
        source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}
        given: dict[str, Any] = {"DataSource": source, "ContentType": self._type, "SplitType": "None"}
        kept = {"S3OutputPath": f"{self.target.address}answers/", "Accept": JSON_LINES}
        if not self.in_lines:
            return {"TransformInput": given, "TransformOutput": kept}
        return {
            "TransformInput": {**given, "SplitType": "Line"},
            "TransformOutput": {**kept, "AssembleWith": "Line"},
            "BatchStrategy": self._strategy,
            "DataProcessing": {"JoinSource": "Input", "OutputFilter": "$['name','SageMakerOutput']"},
        }

    def wait(self, told: Callable[[int], None], pause_s: float = POLL_S) -> None:
        """Until the job has ended, telling how many outputs there are so far. Raises TransformFault."""
        while True:
            state = self._sagemaker.describe_transform_job(TransformJobName=self.job)
            told(sum(1 for _ in self._answers()))
            if state["TransformJobStatus"] not in ("InProgress", "Stopping"):
                break
            time.sleep(pause_s)
        if state["TransformJobStatus"] != "Completed":
            reason = state.get("FailureReason") or "no reason is given"
            raise TransformFault(
                f"{self.job}: {state['TransformJobStatus']}: {reason} (log /aws/sagemaker/TransformJobs)"
            )

    def stop(self) -> None:
        """It is paid by the second."""
        self._sagemaker.stop_transform_job(TransformJobName=self.job)

    def rows(self, names: Sequence[str]) -> Iterator[Row]:
        """The rows of those of `names` that have an output, of every line in it. Raises ServerFault, TransformFault."""
        outputs = {f"/{key.removeprefix(self.target.key)}": key for key in self._answers()}
        for name in names:
            key = next((key for path, key in outputs.items() if path.endswith(f"/{name}.out")), None)
            if key is not None:
                body = self._s3.get_object(Bucket=self.target.bucket, Key=key)["Body"].read()
                for at, line in enumerate(filter(None, body.decode().splitlines()), start=1):
                    yield self._row(name, line, f"s3://{self.target.bucket}/{key}, line {at}")

    def _row(self, name: str, line: str, where: str) -> Row:
        try:
            content = json.loads(line)
            answer, of = (content["SageMakerOutput"], content["name"]) if self.in_lines else (content, name)
        except (ValueError, KeyError, TypeError) as error:
            raise TransformFault(f"{where}: no answer with a name; give each line of the input its name") from error
        return row_of(str(of), answer, self._model)

    def _variant(self, endpoint: str) -> Mapping[str, Any]:
        """The first production variant of the endpoint's configuration of now. Raises TransformFault."""
        try:
            config = self._sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        except self._sagemaker.exceptions.ClientError as error:
            raise TransformFault(f"{endpoint}: {error.response['Error']['Message']}; give --endpoint a name") from error
        found = self._sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        if not found or "ModelName" not in found[0]:
            raise TransformFault(f"{endpoint}: serves an inference component, which no job runs; give another endpoint")
        variant: Mapping[str, Any] = found[0]
        return variant

    def _instance(self, variant: Mapping[str, Any]) -> str:
        offered = self._sagemaker.meta.service_model.shape_for("TransformInstanceType").enum
        return str(variant["InstanceType"]) if variant.get("InstanceType") in offered else _INSTANCE

    def _answers(self) -> Iterator[str]:
        return (key for key in self._keys(self.target) if PurePosixPath(key).suffix == ".out")

    def _keys(self, prefix: Prefix) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        return (each["Key"] for page in pages for each in page.get("Contents", []) if not each["Key"].endswith("/"))
