"""A state machine, executed by moto's interpreter of the Amazon States Language; its tasks call what is bound to them.

The interpreter is LocalStack's. What it lacks is here: SageMaker's jobs that a task waits for (`.sync`), and the cause
that somebody gives with a failure. Whatever a task asks of AWS is held to botocore's model of that call; a call that
nothing is bound to is an error.
"""

import io
import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator
from moto.core.responses import EmptyResult
from moto.server import ThreadedMotoServer
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
    state_task_service_unsupported,
)
from moto.stepfunctions.responses import StepFunctionResponse

from local.endpoint import free_port
from local.template import REGION
from rehearsal.sagemaker_jobs import SageMakerJobs

Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What a task calls: the parameters in, the answer out, with AWS's own names."""

_ROLE = "arn:aws:iam::123456789012:role/machine"


class NotAnAnswer(Exception):
    """A task asks for what AWS would refuse, or what nothing here is bound to."""


@dataclass(frozen=True, slots=True)
class Client:
    """What moto's interpreter takes for a client of `service`: its calls are those of `bound`, `service:Operation`."""

    service: str
    bound: Mapping[str, Call]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The call that boto3 names so."""
        model = botocore.session.get_session().get_service_model(self.service)
        operation = next((each for each in model.operation_names if xform_name(each) == name), name)

        def call(**parameters: Any) -> Any:
            key = f"{self.service}:{operation}"
            if key not in self.bound:
                raise NotAnAnswer(f"{key} is called, and nothing is bound to it")
            shape = model.operation_model(operation).input_shape
            report = ParamValidator().validate(_as_members(parameters, shape), shape)
            if report.has_errors():
                raise NotAnAnswer(f"{key}: {report.generate_report()}")
            return dict(self.bound[key](parameters))

        return call


def _as_members(value: Any, shape: Any) -> Any:
    """With the API's own names: a machine writes them with a capital letter, whatever the API does."""
    if shape.type_name == "structure" and isinstance(value, dict):
        own = {name.lower(): name for name in shape.members}
        named = {own.get(key.lower(), key): inner for key, inner in value.items()}
        return {
            key: _as_members(inner, shape.members[key]) if key in shape.members else inner
            for key, inner in named.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_as_members(inner, shape.member) for inner in value]
    return value


def _send_task_failure(response: Any) -> EmptyResult:
    """With its cause, which moto forgets."""
    token, error, cause = (response._get_param(name) for name in ("taskToken", "error", "cause"))
    response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


@dataclass(frozen=True, slots=True)
class Execution:
    """A run of a machine."""

    arn: str
    client: Any

    def ended(self, timeout_s: float = 120) -> Mapping[str, Any]:
        """How it ended: status, error and cause. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            described: Mapping[str, Any] = self.client.describe_execution(executionArn=self.arn)
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.05)
        raise TimeoutError(f"{self.arn} is in {self.entered()[-1]}")

    def entered(self) -> list[str]:
        """The states it has been in, in order."""
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        events = [event for page in pages for event in page["events"]]
        return [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]

    def waits_in(self, state: str, timeout_s: float = 60) -> None:
        """Returns once it is in `state`. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while state not in self.entered():
            described = self.client.describe_execution(executionArn=self.arn)
            if time.monotonic() > deadline or described["status"] != "RUNNING":
                raise TimeoutError(f"{self.arn} is not in {state}, but {self.entered()[-1]}: {described.get('cause')}")
            time.sleep(0.05)


class Interpreter:
    """moto's server in this process, and its Step Functions. Offers its `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.states = self.client("stepfunctions")

    def client(self, service: str) -> Any:
        """A client of moto's `service`."""
        keys = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def start(self, name: str, definition: Mapping[str, Any]) -> Execution:
        """Begins a run of a machine of that name."""
        machine = self.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=_ROLE)
        run = {"name": str(uuid.uuid4()), "input": "{}"}
        started = self.states.start_execution(stateMachineArn=machine["stateMachineArn"], **run)
        return Execution(started["executionArn"], self.states)


@contextmanager
def interpreter(bound: Mapping[str, Call]) -> Iterator[Interpreter]:
    """An interpreter while entered, whose tasks call what is in `bound` (`service:Operation` -> what does it).

    `bound` is read at each call, so that it may be filled once the interpreter's address is known.
    """

    def client_for(service: str, **_: Any) -> Client:
        return Client(service, bound)

    callers = (state_task_service_aws_sdk, state_task_service_unsupported, lambda_eval_utils)
    theirs = [caller.boto_client_for for caller in callers]
    unsupported, failing = (
        state_task_service_factory.StateTaskServiceUnsupported,
        StepFunctionResponse.send_task_failure,
    )
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    try:
        for caller in callers:
            caller.boto_client_for = client_for
        state_task_service_factory.StateTaskServiceUnsupported = SageMakerJobs
        StepFunctionResponse.send_task_failure = _send_task_failure
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        _post(f"{url}/moto-api/reset", {})  # moto's services are the process's, whatever server stands before them
        _post(f"{url}/moto-api/config", {"stepfunctions": {"execute_state_machine": True}})
        yield Interpreter(url)
    finally:
        for caller, own in zip(callers, theirs, strict=True):
            caller.boto_client_for = own
        state_task_service_factory.StateTaskServiceUnsupported = unsupported
        StepFunctionResponse.send_task_failure = failing
        server.stop()


def _post(url: str, content: Mapping[str, Any]) -> None:
    body = json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310  our own, on this machine


def without_waits(definition: Mapping[str, Any], approval_s: int) -> dict[str, Any]:
    """The same machine, whose waits take a second; a person has `approval_s` seconds. Nothing else is changed."""
    states = {name: dict(state) for name, state in definition["States"].items()}
    for state in states.values():
        if state["Type"] == "Wait":
            state["Seconds"] = 1
        if "TimeoutSeconds" in state:
            state["TimeoutSeconds"] = approval_s
        state.update(
            {"Retry": [each | {"IntervalSeconds": 1, "BackoffRate": 1.0} for each in state["Retry"]]}
            if "Retry" in state
            else {}
        )
    return {**definition, "States": states}


def payload(answer: Any, error: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    """What Lambda's Invoke answers: a function's result, or the error that it ended in."""
    body = io.BytesIO(json.dumps(answer if error is None else error).encode())
    failed = {"FunctionError": "Unhandled"} if error else {}
    return {"StatusCode": 200, "Payload": body, **failed}
