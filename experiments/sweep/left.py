"""What a sweep may have left in AWS: all of the stage `sweep`, by name, and by tag what CloudFormation names itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import boto3

from experiments.latency.aws import aws_refusals
from experiments.latency.cold_serverless import COPY_OF

STAGE = "sweep"
_STACKS, _NAMES = f"Fovea-{STAGE}-", f"fovea-{STAGE}-"
_TAGS = {"project": "fovea", "stage": STAGE}


class Left(NamedTuple):
    """Something that is there still, and the command that removes it."""

    what: str
    command: str


def left_in_aws(session: boto3.Session) -> Sequence[Left]:
    """Stacks first: whoever deletes one deletes what is in it. Raises AwsFault."""
    with aws_refusals():
        return [
            *_stacks(session.client("cloudformation")),
            *_endpoints(session.client("sagemaker")),
            *_configs(session.client("sagemaker")),
            *_functions(session.client("lambda")),
        ]


def stacks(client: Any) -> Mapping[str, str]:
    """Those of the stage, with the status of each."""
    pages = client.get_paginator("describe_stacks").paginate()
    found = {stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]}
    return {name: status for name, status in found.items() if name.startswith(_STACKS)}


def _stacks(client: Any) -> Iterator[Left]:
    for name, status in stacks(client).items():
        if status != "DELETE_COMPLETE":
            yield Left(f"stack {name} ({status})", f"aws cloudformation delete-stack --stack-name {name}")


def _endpoints(client: Any) -> Iterator[Left]:
    for page in client.get_paginator("list_endpoints").paginate(NameContains=_NAMES):
        for each in page["Endpoints"]:
            name, status = each["EndpointName"], each["EndpointStatus"]
            yield Left(f"endpoint {name} ({status})", f"aws sagemaker delete-endpoint --endpoint-name {name}")


def _configs(client: Any) -> Iterator[Left]:
    """CloudFormation names them; a copy that the latency experiment made has an original."""
    pages = client.get_paginator("list_endpoint_configs").paginate()
    configs = {
        each["EndpointConfigName"]: each["EndpointConfigArn"] for page in pages for each in page["EndpointConfigs"]
    }
    for name, arn in configs.items():
        tags = {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}
        is_orphan = COPY_OF in tags and tags[COPY_OF] not in configs
        if is_orphan or tags.items() >= _TAGS.items():
            command = f"aws sagemaker delete-endpoint-config --endpoint-config-name {name}"
            yield Left(f"endpoint configuration {name} (costs nothing)", command)


def _functions(client: Any) -> Iterator[Left]:
    for page in client.get_paginator("list_functions").paginate():
        for name in (each["FunctionName"] for each in page["Functions"]):
            if name.startswith((_NAMES, _STACKS)):
                yield Left(f"function {name}", f"aws lambda delete-function --function-name {name}")
