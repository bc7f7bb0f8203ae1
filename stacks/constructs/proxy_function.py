"""The Lambda function between the API and the endpoints.

Its package is this repository's own code and nothing else: botocore comes with the runtime, and a
router such as powertools' would cost some 110 ms of import at each cold start, after API Gateway has
already routed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from contract.limits import TIMEOUTS
from models.endpoints import AsyncEndpoint, LambdaEndpoint
from models.realtime import RealtimeEndpoint
from models.registry import Model, public_description
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.log_group import log_group, writing_to
from stacks.constructs.proxy_jobs import buckets, keeping_jobs
from stacks.constructs.python_function import python_function
from stacks.constructs.role import Statement, role
from stacks.naming import arn, attribute, component_arn, endpoint_arn, endpoint_name, metrics_namespace
from stacks.options import Options
from stacks.stage import Stage
from stacks.staging import Content, files_below, staged

HANDLER = "lambda_handlers.proxy.handler.handler"

# CPU grows with memory. The function waits for SageMaker most of the time, which 512 MB would do as well, but a
# cold start and the base64 of a 4 MB photograph are CPU alone, and take half as long at 1024.
MEMORY_MB = 1024

TRACING: Statement = {"Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"}


def target(model: Model, endpoint: str, stage: Stage) -> dict[str, Any]:
    """What is behind a name: the service that runs it and its name there.

    And its inference component if it has one, or, of a job, how long it may work.
    """
    settings, name = model.spec.endpoints[endpoint], endpoint_name(stage, model.spec, endpoint)
    behind = {"service": "lambda" if isinstance(settings, LambdaEndpoint) else "sagemaker", "name": name}
    if isinstance(settings, AsyncEndpoint):
        return behind | {"timeout_s": settings.timeout_s}
    has_component = isinstance(settings, RealtimeEndpoint) and settings.component is not None
    return behind | {"component": name} if has_component else behind


def registry(models: Sequence[Model], stage: Stage, options: Options) -> bytes:
    """registry.json: what GET /models answers, which endpoint is behind each name, and what a call has to show."""
    content = {
        "stage": stage.name,
        "auth": options.shown,
        "models": [public_description(model) for model in models],
        "targets": {
            model.spec.name: {name: target(model, name, stage) for name in model.spec.endpoints} for model in models
        },
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode()


def package(root: Path, models: Sequence[Model], stage: Stage, options: Options) -> dict[str, Content]:
    """The allow-list: every file of the function's package, by path."""
    return {
        "lambda_handlers/__init__.py": root / "lambda_handlers/__init__.py",
        **files_below(root, "lambda_handlers/proxy", "*.py"),
        **files_below(root, "contract", "*.py"),
        "registry.json": registry(models, stage, options),
    }


class ProxyFunction(Construct):
    """The function, its log and its role. Offers `arn`. `jobs` are those of the models that take jobs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        root: Path,
        models: Sequence[Model],
        jobs: Sequence[Model],
        stage: Stage,
        options: Options,
        page_origin: str = "",
    ) -> None:
        super().__init__(scope, id)
        files = package(root, models, stage, options)
        code = Asset(self, "Code", path=str(staged(root, "proxy", files)), display_name="proxy")
        log = log_group(self, "Log", stage=stage)
        statements = [
            *_invoke([target(model, name, stage) for model in models for name in model.spec.endpoints]),
            *keeping_jobs(jobs, stage),
            writing_to(log),
            *([TRACING] if stage.is_traced else []),
        ]
        runs_as = role(self, "Role", service="lambda.amazonaws.com", statements=statements)
        if jobs:
            acknowledge(
                runs_as,
                "IAM5[Resource::arn:<AWS::Partition>:s3:",
                "one model's uploads and results and the jobs' records: an object for each, which nobody can name yet",
            )
        if stage.is_traced:
            acknowledge(runs_as, "IAM5[Resource::*]", "X-Ray offers no resource for the two actions that write a trace")
        function = python_function(
            self,
            code=code,
            handler=HANDLER,
            runs_as=runs_as,
            log=log,
            properties={
                "Description": f"Fovea {stage.name}: from the API to the models' endpoints.",
                "MemorySize": MEMORY_MB,
                "Timeout": TIMEOUTS.function_s,
                **_told(stage, jobs, page_origin),
            },
        )
        self.arn = attribute(function, "Arn")


def _told(stage: Stage, jobs: Sequence[Model], page_origin: str) -> dict[str, Any]:
    """What the function knows of its stage, and how it is watched."""
    variables = buckets(stage) if jobs else {}
    if page_origin:
        variables["PAGE_ORIGIN"] = page_origin
    if stage.is_measured:
        variables["METRICS_NAMESPACE"] = metrics_namespace(stage)
    properties: dict[str, Any] = {"Environment": {"Variables": variables}} if variables else {}
    if stage.is_traced:
        properties["TracingConfig"] = {"Mode": "Active"}
    return properties


def _invoke(targets: Sequence[Mapping[str, Any]]) -> Iterator[Statement]:
    on_sagemaker = [one for one in targets if one["service"] == "sagemaker"]
    endpoints = [endpoint_arn(one["name"]) for one in on_sagemaker if "timeout_s" not in one]
    queues = [endpoint_arn(one["name"]) for one in on_sagemaker if "timeout_s" in one]
    functions = [arn("lambda", f"function:{one['name']}") for one in targets if one["service"] == "lambda"]
    components = [component_arn(one["component"]) for one in targets if "component" in one]
    if endpoints:
        yield {"Action": "sagemaker:InvokeEndpoint", "Resource": endpoints + components}
    if queues:
        yield {"Action": "sagemaker:InvokeEndpointAsync", "Resource": queues}
    if functions:
        yield {"Action": "lambda:InvokeFunction", "Resource": functions}
