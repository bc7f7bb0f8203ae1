"""The functions of a model's training: one package, and for each a role that may do its one thing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from models.endpoints import AsyncEndpoint, LambdaEndpoint
from models.registry import Model
from models.samples import sample_type, samples
from models.training import HELD_OUT, Training
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.log_group import log_group, writing_to
from stacks.constructs.proxy_function import target
from stacks.constructs.python_function import python_function
from stacks.constructs.retraining import Functions
from stacks.constructs.role import Statement, role
from stacks.constructs.training_storage import TrainingStorage
from stacks.naming import attribute, component_arn, endpoint_arn
from stacks.stage import Stage
from stacks.staging import Content, files_below, staged

_MEMORY_MB = 256
_LONGEST_S = 900  # Lambda's
_SHORT_S = 60


def package(root: Path, model: Model, training: Training, stage: Stage) -> dict[str, Content]:
    """The allow-list: every file of the functions' package, by path."""
    sample = next(iter(samples(model).values()))
    told = {
        "model": model.spec.name,
        "stage": stage.name,
        "task": model.spec.model.task,
        "labels": list(model.labels.values()),
        "folders": [*training.channels, HELD_OUT],
        "tolerance": training.tolerance,
        "targets": smoke_targets(model, stage),
        "sample": f"sample/{sample.name}",
        "sample_type": sample_type(sample),
    }
    return {
        "lambda_handlers/__init__.py": root / "lambda_handlers/__init__.py",
        **files_below(root, "lambda_handlers/retraining", "*.py"),
        **files_below(root, "contract", "*.py"),
        "retraining.json": json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False).encode(),
        str(told["sample"]): sample,
    }


def smoke_targets(model: Model, stage: Stage) -> Sequence[Mapping[str, str]]:
    """The endpoints that a training reaches and that answer at once, as InvokeEndpoint names them."""
    named = {"name": "EndpointName", "component": "InferenceComponentName"}
    asked = [
        target(model, name, stage)
        for name, settings in model.spec.endpoints.items()
        if not isinstance(settings, (AsyncEndpoint, LambdaEndpoint))
    ]
    return [{named[key]: value for key, value in one.items() if key in named} for one in asked]


class RetrainingFunctions(Construct):
    """Offers `functions`, their ARNs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        root: Path,
        model: Model,
        training: Training,
        stage: Stage,
        storage: TrainingStorage,
        topic_arn: str,
    ) -> None:
        super().__init__(scope, id)
        self._stage, name = stage, f"{model.spec.name} training"
        files = package(root, model, training, stage)
        self._code = Asset(self, "Code", path=str(staged(root, "retraining", files)), display_name=name)
        bucket = {"TRAINING_BUCKET": storage.bucket}
        self.functions = Functions(
            inventory=self._function("Inventory", "Hashes the data.", [_list(storage)], bucket, _LONGEST_S),
            gate=self._function("Gate", "Decides on an evaluation.", [_read(storage)], bucket),
            tell=self._function("Tell", "Tells how a training ended.", [_publish(topic_arn)], {"TOPIC_ARN": topic_arn}),
            smoke=self._function("Smoke", "Asks the endpoints.", _invoke(model, stage), {}, _LONGEST_S),
        )

    def _function(
        self,
        name: str,
        what: str,
        may: Sequence[Statement],
        variables: Mapping[str, str],
        timeout_s: int = _SHORT_S,
    ) -> str:
        scope = Construct(self, name)
        log = log_group(scope, "Log", stage=self._stage)
        runs_as = role(scope, "Role", service="lambda.amazonaws.com", statements=[*may, writing_to(log)])
        if name == "Gate":
            acknowledge(runs_as, "IAM5[Resource::arn:", "the evaluations of this model, a folder for each run")
        properties: dict[str, Any] = {
            "Description": f"Fovea {self._stage.name}: {what}",
            "MemorySize": _MEMORY_MB,
            "Timeout": timeout_s,
            **({"Environment": {"Variables": dict(variables)}} if variables else {}),
        }
        handler = f"lambda_handlers.retraining.{name.lower()}.handler"
        made = python_function(scope, code=self._code, handler=handler, runs_as=runs_as, log=log, properties=properties)
        return attribute(made, "Arn")


def _list(storage: TrainingStorage) -> Statement:
    below = {"StringLike": {"s3:prefix": f"{storage.key('data')}*"}}
    return {"Action": "s3:ListBucket", "Resource": storage.bucket_arn, "Condition": below}


def _read(storage: TrainingStorage) -> Statement:
    return {"Action": "s3:GetObject", "Resource": storage.objects_arn("evaluations")}


def _publish(topic_arn: str) -> Statement:
    return {"Action": "sns:Publish", "Resource": topic_arn}


def _invoke(model: Model, stage: Stage) -> Sequence[Statement]:
    targets = smoke_targets(model, stage)
    asked = [endpoint_arn(one["EndpointName"]) for one in targets]
    asked += [component_arn(one["InferenceComponentName"]) for one in targets if "InferenceComponentName" in one]
    return [{"Action": "sagemaker:InvokeEndpoint", "Resource": asked}] if asked else []
