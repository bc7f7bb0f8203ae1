"""A deployed stage as a target. It follows AWS's documentation and is rehearsed against moto: it has not met AWS."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

from experiments.client.caller import Caller
from experiments.latency.cold_function import ColdFunction
from experiments.latency.cold_serverless import ColdServerless
from experiments.latency.errors import AwsFault
from experiments.latency.progress import Say
from experiments.latency.targets import endpoint_name, meets_cold_starts
from models.registry import Model

ColdBy = Literal["update", "idle"]
IDLE_MINUTES = 15.0

_BY_UPDATE = {
    "serverless": "a configuration update: UpdateEndpoint deploys a copy of its configuration to new servers",
    "lambda": "a configuration update: after a changed variable, Lambda takes new environments",
}
_FROM_ZERO = "not measured: minutes pass until a scaled-to-zero endpoint has a copy of its model again"


class _Cooler(Protocol):
    def make_cold(self) -> None:
        """Blocks until the next call is cold."""

    def close(self) -> None:
        """All as it was."""


class AwsTarget:
    """`stage`, asked by `caller`. Close it: until then an endpoint that was made cold by an update is not as it was."""

    kind: Literal["aws"] = "aws"

    def __init__(
        self,
        caller: Caller,
        stage: str,
        session: boto3.Session,
        *,
        cold_by: ColdBy = "update",
        idle_minutes: float = IDLE_MINUTES,
        say: Say = print,
    ) -> None:
        self.caller, self._stage, self._session, self._say = caller, stage, session, say
        self._cold_by, self._idle_minutes = cold_by, idle_minutes
        self._coolers: dict[str, _Cooler] = {}

    def make_cold(self, model: Model, endpoint: str) -> None:
        """By an update, or by waiting; minutes. Raises AwsFault."""
        settings = model.spec.endpoints[endpoint]
        if settings.kind == "realtime":
            raise AwsFault(f"{model.spec.name} {endpoint}: minutes pass until it is back from zero; give --cold 0")
        if self._cold_by == "idle":
            self._idle(endpoint)
            return
        name = endpoint_name(self._stage, model, endpoint)
        with aws_refusals():
            if name not in self._coolers:
                self._coolers[name] = self._cooler(settings.kind, name)
            self._say(f"{name}: updating its configuration …")
            self._coolers[name].make_cold()

    def close(self) -> None:
        """Every endpoint as it was. Raises AwsFault, having told what is left to do."""
        with aws_refusals(), ExitStack() as closing:
            for cooler in self._coolers.values():
                closing.callback(cooler.close)
            self._coolers = {}

    def how_cold(self, settings: Any) -> str:
        """What brings it about; whether AWS has kept a server all the same, only the times tell."""
        if not meets_cold_starts(settings):
            return ""
        if settings.kind == "realtime":
            return _FROM_ZERO
        if self._cold_by == "idle":
            return f"{self._idle_minutes:g} minutes without a call, after which AWS has mostly taken the servers away"
        return _BY_UPDATE[settings.kind]

    def emulated(self, _settings: Any) -> Sequence[str]:
        """Nothing."""
        return ()

    def _cooler(self, kind: str, name: str) -> _Cooler:
        if kind == "lambda":
            return ColdFunction(self._session.client("lambda"), name, self._say)
        return ColdServerless(self._session.client("sagemaker"), name, self._say)

    def _idle(self, endpoint: str) -> None:
        ends = time.monotonic() + self._idle_minutes * 60
        while (left := ends - time.monotonic()) > 0:
            self._say(f"{endpoint}: idle, {left / 60:.0f} of {self._idle_minutes:g} minutes left")
            time.sleep(min(60, left))


def api_url(session: boto3.Session, stage: str) -> str:
    """The output ApiUrl of the stage's API. Raises AwsFault."""
    stack = f"Fovea-{stage}-api"
    with aws_refusals():
        try:
            (found,) = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            where = session.region_name
            raise AwsFault(
                f"{stack}: no such stack in {where}; deploy it, or give another --stage, or --url"
            ) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if "ApiUrl" not in outputs:
        raise AwsFault(f"{stack}: has no output ApiUrl ({found['StackStatus']}); deploy it again, or give --url")
    url: str = outputs["ApiUrl"]
    return url


@contextmanager
def aws_refusals() -> Iterator[None]:
    """botocore's errors, each as a line. Raises AwsFault."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
        raise AwsFault("there are no AWS credentials, or no region; set AWS_PROFILE, or AWS_DEFAULT_REGION") from error
    except ClientError as error:
        told = error.response["Error"].get("Message") or error.response["Error"]["Code"]
        raise AwsFault(f"AWS refuses {error.operation_name}: {' '.join(told.split())}") from error
    except BotoCoreError as error:
        raise AwsFault(f"AWS cannot be asked: {' '.join(str(error).split())}") from error
