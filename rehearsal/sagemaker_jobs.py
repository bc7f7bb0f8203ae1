"""SageMaker's jobs, as a state machine waits for them: what moto's interpreter lacks, and jobs that are done here."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_unsupported
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

_ENDED = ("Completed", "Failed", "Stopped")


class SageMakerJobs(state_task_service_unsupported.StateTaskServiceUnsupported):  # type: ignore[misc]
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
