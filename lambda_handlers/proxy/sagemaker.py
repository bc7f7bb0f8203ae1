"""SageMaker's InvokeEndpoint and InvokeEndpointAsync."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract.errors import ApiError, ModelAtZero, ModelTimeout
from contract.limits import JOBS
from lambda_handlers.proxy.aws import client, code_of, from_container, told, translated
from lambda_handlers.proxy.invocation import Deferred, Invocation, Prediction, timings
from lambda_handlers.proxy.registry import Target

_NO_COPY = "has no capacity to process this request"


class SageMaker:
    """SageMaker's runtime API as two verbs."""

    def __init__(self) -> None:
        self.client = client("sagemaker-runtime")

    def invoke(self, target: Target, asked: Invocation) -> Prediction:
        """The prediction asked for, by one call. Raises ApiError."""
        try:
            answer = self.client.invoke_endpoint(
                EndpointName=target.name,
                Body=asked.body,
                ContentType=asked.media_type,
                Accept=asked.accept,
                CustomAttributes=asked.attributes,
                **({"InferenceComponentName": target.component} if target.component else {}),
            )
            body = answer["Body"].read()
        except ClientError as error:
            kind = _of_container(error.response) if code_of(error) == "ModelError" else _without_copy(error, target)
            raise (told(kind, target) if kind else translated(error, target)) from error
        except BotoCoreError as error:
            raise translated(error, target) from error
        return Prediction(body, answer.get("ContentType", "application/json"), timings(answer.get("CustomAttributes")))

    def start(self, target: Target, asked: Deferred) -> tuple[str, str]:
        """Queues the prediction asked for; gives the addresses in S3 where its result or failure will be.

        Raises ApiError. SageMaker would queue it again if asked twice, whatever the job's id.
        """
        try:
            answer = self.client.invoke_endpoint_async(
                EndpointName=target.name,
                InputLocation=asked.location,
                ContentType=asked.media_type,
                Accept=asked.accept,
                CustomAttributes=asked.attributes,
                InferenceId=asked.job,
                RequestTTLSeconds=JOBS.queue_s,
                InvocationTimeoutSeconds=min(target.timeout_s + JOBS.grace_s, JOBS.longest_s),
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error, target) from error
        return answer["OutputLocation"], answer["FailureLocation"]


def _without_copy(error: ClientError, target: Target) -> type[ApiError] | None:
    """A ValidationError says many things; only its words tell that a component has no copy now. They go no further."""
    said = str(error.response.get("Error", {}).get("Message", ""))
    return ModelAtZero if target.component and code_of(error) == "ValidationError" and _NO_COPY in said else None


def _of_container(response: Mapping[str, Any]) -> type[ApiError]:
    """What a container answered; one that SageMaker gave up on has status 0."""
    status = int(response.get("OriginalStatusCode") or 0)
    if status == 0:
        return ModelTimeout
    try:
        envelope = json.loads(response.get("OriginalMessage", ""))
    except (ValueError, TypeError, RecursionError):
        envelope = None
    return from_container(status, envelope)
