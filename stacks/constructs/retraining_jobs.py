"""The first half of a run: which data, image and current model there are, a training, and an evaluation of both."""

from typing import Any

from contract.training import METRIC_DEFINITIONS
from models.training import HELD_OUT
from stacks.constructs.endpoint_config import vpc_config
from stacks.constructs.retraining import Retraining
from stacks.constructs.served_archive import OUTPUT, PARAMETER
from stacks.constructs.states import States, assign, choose, invoke, task, telling
from stacks.constructs.training_storage import EVALUATION

EVALUATION_S = 6 * 3600
_ROOM = "/opt/ml/processing"
_ENTRYPOINT = ["python", "-m", "training.evaluation"]
_PARTS = "States.StringSplit($.current.archive, '/')"
_CURRENT = f"States.ArrayGetItem({_PARTS}, States.MathAdd(States.ArrayLength({_PARTS}), -1))"
"""An archive of a deployment is named for its hash."""

# A job's name has 63 characters at most and is the account's for ever: the model's, and a UUID's first part.
_ID = "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)"
# An account has a number of instances of a type; others may have them all for a while.
_CROWDED = {
    "ErrorEquals": ["SageMaker.ResourceLimitExceededException", "SageMaker.AmazonSageMakerException"],
    "IntervalSeconds": 60,
    "MaxAttempts": 4,
    "BackoffRate": 3.0,
}


def found(of: Retraining) -> States:
    """Names the run, and finds what it starts from."""
    tagged = [{"ImageTag": of.image.tag}]
    served = f"$.Stacks[0].Outputs[?(@.OutputKey=='{OUTPUT}')].OutputValue"
    given = f"$.Stacks[0].Parameters[?(@.ParameterKey=='{PARAMETER}')].ParameterValue"
    return {
        "NameRun": assign({"run.$": f"States.Format('{of.jobs}-{{}}', {_ID})"}, then="FindData"),
        "FindData": invoke(
            of.functions.inventory,
            {"prefix": of.storage.key("data")},
            then="FindImage",
            otherwise=telling("DataUnusable"),
            keep="$.data",
            ResultSelector={f"{key}.$": f"$.Payload.{key}" for key in ("uri", "sha256", "objects", "bytes")},
        ),
        "FindImage": task(
            "aws-sdk:ecr:describeImages",
            {"RepositoryName": of.image.repository_name, "ImageIds": tagged},
            then="FindCurrent",
            otherwise=telling("ImageMissing"),
            keep="$.image",
            ResultSelector={"found.$": "$.ImageDetails[0]"},
        ),
        "FindCurrent": task(
            "aws-sdk:cloudformation:describeStacks",
            {"StackName": of.stack},
            then="IsDeployed",
            otherwise=telling("ModelNotDeployed"),
            keep="$.found",
            ResultSelector={"archives.$": served, "parameters.$": given},
        ),
        "IsDeployed": choose(
            [{"Variable": "$.found.archives[0]", "IsPresent": True, "Next": "NoteCurrent"}],
            telling("ModelNotDeployed"),
        ),
        "NoteCurrent": assign(
            {"archive.$": "$.found.archives[0]", "parameter.$": "$.found.parameters[0]"}, then="Train", keep="$.current"
        ),
    }


def trained(of: Retraining) -> States:
    """The candidate, and evaluation.json, which compares it with the current model."""
    return {
        "Train": task(
            "sagemaker:createTrainingJob.sync",
            _training_job(of),
            then="Evaluate",
            otherwise=telling("TrainingFailed"),
            keep="$.candidate",
            ResultSelector={"archive.$": "$.ModelArtifacts.S3ModelArtifacts"},
            Retry=[_CROWDED],
        ),
        "Evaluate": task(
            "sagemaker:createProcessingJob.sync",
            _processing_job(of),
            then="Gate",
            otherwise=telling("EvaluationFailed"),
            Retry=[_CROWDED],
        ),
    }


def _training_job(of: Retraining) -> dict[str, Any]:
    training = of.training
    longest = {"MaxRuntimeInSeconds": training.max_run_s}
    spot: dict[str, Any] = {}
    if training.spot:
        longest["MaxWaitTimeInSeconds"] = training.most_wait_s
        checkpoints = of.of_run(of.storage.uri("checkpoints", "{}"))
        spot = {"EnableManagedSpotTraining": True, "CheckpointConfig": {"S3Uri.$": checkpoints}}
    return {
        "TrainingJobName.$": "$.run",
        "AlgorithmSpecification": {
            "TrainingImage.$": of.image_by_digest,
            "TrainingInputMode": "File",
            "MetricDefinitions": METRIC_DEFINITIONS,
        },
        "RoleArn": of.job_role_arn,
        "HyperParameters": training.hyperparameters,
        "InputDataConfig": [_channel(of, name) for name in training.channels],
        "OutputDataConfig": {"S3OutputPath": of.storage.uri("models").rstrip("/")},
        "ResourceConfig": _instance(of),
        "StoppingCondition": longest,
        **spot,
        **({"VpcConfig": vpc_config(training.vpc)} if training.vpc else {}),
        "EnableNetworkIsolation": True,
        "Tags": of.tags,
    }


def _channel(of: Retraining, name: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": of.storage.uri("data", name, ""),
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _instance(of: Retraining) -> dict[str, Any]:
    training = of.training
    return {"InstanceType": training.instance_type, "InstanceCount": 1, "VolumeSizeInGB": training.volume_gb}


def _processing_job(of: Retraining) -> dict[str, Any]:
    network: dict[str, Any] = {"EnableNetworkIsolation": True}
    if of.training.vpc:
        network["VpcConfig"] = vpc_config(of.training.vpc)
    written = of.of_run(of.storage.uri("evaluations", "{}"))
    output = {"S3Uri.$": written, "LocalPath": f"{_ROOM}/evaluation", "S3UploadMode": "EndOfJob"}
    return {
        "ProcessingJobName.$": "$.run",
        "AppSpecification": {
            "ImageUri.$": of.image_by_digest,
            "ContainerEntrypoint": _ENTRYPOINT,
            "ContainerArguments.$": _arguments(of),
        },
        "RoleArn": of.job_role_arn,
        "ProcessingInputs": [
            _input(HELD_OUT, {"S3Uri": of.storage.uri("data", HELD_OUT, "")}),
            _input("candidate", {"S3Uri.$": "$.candidate.archive"}),
            _input("current", {"S3Uri.$": "$.current.archive"}),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "evaluation", "S3Output": output}]},
        "ProcessingResources": {"ClusterConfig": _instance(of)},
        "StoppingCondition": {"MaxRuntimeInSeconds": EVALUATION_S},
        "NetworkConfig": network,
        "Tags": of.tags,
    }


def _arguments(of: Retraining) -> str:
    """An intrinsic function: what the image is told of the archives, the examples and where evaluation.json goes."""
    options = {
        "--candidate": f"'{_ROOM}/candidate/model.tar.gz'",
        "--current": f"States.Format('{_ROOM}/current/{{}}', {_CURRENT})",
        "--data": f"'{_ROOM}/{HELD_OUT}'",
        "--out": f"'{_ROOM}/evaluation'",
        "--tolerance": f"'{of.training.tolerance}'",
    }
    words = ", ".join(f"'{name}', {value}" for name, value in options.items())
    return f"States.Array({words})"


def _input(name: str, source: dict[str, str]) -> dict[str, Any]:
    how = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    return {"InputName": name, "S3Input": {**source, "LocalPath": f"{_ROOM}/{name}", **how}}


def evaluation_key(of: Retraining) -> str:
    """An intrinsic function: where in the bucket evaluation.json is."""
    return of.of_run(of.storage.key("evaluations", "{}", EVALUATION))
