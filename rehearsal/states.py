"""A state machine, executed by moto's interpreter of the Amazon States Language; its tasks call what is bound to them.

The interpreter is LocalStack's. What it lacks is here: SageMaker's jobs that a task waits for (`.sync`), and the cause
that somebody gives with a failure. Whatever a task asks of AWS is held to botocore's model of that call; a call that
nothing is bound to is an error.
"""

import io
import json
import threading
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
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
    state_task_service_unsupported,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.responses import StepFunctionResponse

from local.endpoint import free_port
from local.template import REGION

Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What a task calls: the parameters in, the answer out, with AWS's own names."""

_ROLE = "arn:aws:iam::123456789012:role/machine"
_ENDED = ("Completed", "Failed", "Stopped")


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


class _SageMakerJobs(state_task_service_unsupported.StateTaskServiceUnsupported):  # type: ignore[misc]
    """SageMaker's optimized integration: the task ends with its job, and fails with what describes the failed job."""

    def __init__(self) -> None:
        super().__init__()
        self._supported_integration_patterns = {ResourceCondition.WaitForTaskToken, ResourceCondition.Sync}

    def _log_unsupported_warning(self) -> None:
        """It is supported now."""

    def _build_sync_resolver(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> Callable[[], Any]:
        env.stack.pop()
        kind = self.resource.api_action.removeprefix("create")
        asked = {f"{kind}Name": normalised_parameters[f"{kind}Name"]}
        client = state_task_service_unsupported.boto_client_for(
            service="sagemaker", region=resource_runtime_part.region, state_credentials=state_credentials
        )

        def resolve() -> Any:
            job = getattr(client, xform_name(f"Describe{kind}"))(**asked)
            if job[f"{kind}Status"] not in _ENDED:
                return None
            if job[f"{kind}Status"] == "Completed":
                return job
            failed = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
            details = TaskFailedEventDetails(
                resource=self._get_sfn_resource(),
                resourceType=self._get_sfn_resource_type(),
                error="States.TaskFailed",
                cause=to_json_str(job),
            )
            event = EventDetails(taskFailedEventDetails=details)
            raise FailureEventException(FailureEvent(env, failed, HistoryEventType.TaskFailed, event))

        return resolve


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
        state_task_service_factory.StateTaskServiceUnsupported = _SageMakerJobs
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


class Job:
    """A job of SageMaker's that is done in a thread: what describes it, while it lasts and when it has ended."""

    def __init__(self, kind: str, parameters: Mapping[str, Any], work: Callable[[], Mapping[str, Any]]) -> None:
        """`work` gives what its description has besides, such as a FailureReason."""
        self._described = {f"{kind}Name": parameters[f"{kind}Name"], f"{kind}Status": "InProgress"}
        self._kind, self._work = kind, work
        threading.Thread(target=self._do, daemon=True).start()

    def _do(self) -> None:
        try:
            told = self._work()
        except Exception as error:  # the machine is told of whatever it was, as of a job's
            told = {"FailureReason": f"InternalServerError: {error}"}
        status = "Failed" if "FailureReason" in told else "Completed"
        self._described = {**self._described, **told, f"{self._kind}Status": status}

    @property
    def described(self) -> Mapping[str, Any]:
        """As SageMaker's Describe call has it."""
        return self._described
