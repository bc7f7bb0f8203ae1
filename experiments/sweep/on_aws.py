"""A sweep in AWS: deploys one variant, in a stage of its own, and removes it before the next; in the end, everything.

It follows AWS's documentation and is rehearsed against moto: it has not met AWS.
"""

import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

import boto3

from experiments.client.caller import Caller
from experiments.latency.aws import AwsTarget, api_url, aws_refusals
from experiments.latency.errors import AwsFault
from experiments.latency.run import settings_of
from experiments.latency.targets import Target
from experiments.sweep.cdk import cdk
from experiments.sweep.errors import DeployFailed
from experiments.sweep.left import STAGE, left_in_aws, stacks
from experiments.sweep.sweep import Say
from models.registry import Model

API = f"Fovea-{STAGE}-api"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S, _PATIENCE_S = 5.0, 1800.0


class OnAws:
    """The stage `sweep` of the account and region that `session` has, with one variant of `model` at a time.

    While a stack is updated, what it had is there beside what it gets; so that never two are paid for at once, the
    model's stack is destroyed between two variants.
    """

    def __init__(self, session: boto3.Session, model: Model, log: Path, say: Say) -> None:
        self._session, self._model, self._log, self._say = session, model, log, say
        self._stack = f"Fovea-{STAGE}-{model.spec.name}"
        self._is_deployed = False

    @contextmanager
    def serving(self, variant: str) -> Iterator[Target]:
        """Deployed while entered, and until the next one is, or all is removed. Raises DeployFailed, AwsFault."""
        if self._is_deployed:
            self._remove([self._stack])
        self._is_deployed = True
        table = {variant: settings_of(self._model.spec.endpoints[variant])}
        # Directly: nobody looks at a change set before it is executed.
        how = ("--method", "direct", "--require-approval", "never", "-c", f"endpoints={json.dumps(table)}")
        self._cdk("deploy", [self._stack, API], *how)
        with closing(AwsTarget(self._caller(), STAGE, self._session, say=self._say)) as target:
            yield target

    def refuse_another(self) -> None:
        """Raises DeployFailed where the stage is there: of two sweeps, each would remove what the other asks."""
        with aws_refusals():
            found = stacks(self._session.client("cloudformation"))
        if found:
            raise DeployFailed(
                f"{', '.join(found)}: another sweep is under way, or was killed; wait for it, or run with --clean-up"
            )

    def remove_everything(self) -> None:
        """Both stacks, then a look for what is left, which is told. Raises DeployFailed."""
        with uninterrupted(self._say):
            try:
                self._remove([self._stack, API])
            except (DeployFailed, AwsFault) as error:
                self._say(str(error))
            self._tell_left()

    def _tell_left(self) -> None:
        try:
            left = left_in_aws(self._session)
        except AwsFault as error:
            again = f"python -m experiments.sweep {self._model.spec.name} --clean-up"
            raise DeployFailed(f"{error}. What was deployed may be there still, and cost money: {again}") from error
        for each in left:
            self._say(f"left: {each.what}; remove it: {each.command}")
        if left:
            raise DeployFailed(
                f"{len(left)} of the sweep's resources are still there; remove them, they may cost money"
            )
        self._say(f"nothing is left in {self._session.region_name} of the stage {STAGE}")

    def _remove(self, names: Sequence[str]) -> None:
        self._settle(names)
        self._cdk("destroy", names, "--force")

    def _settle(self, names: Sequence[str]) -> None:
        """CloudFormation deletes no stack that it updates now; one that it creates, it does."""
        client = self._session.client("cloudformation")
        give_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up:
            with aws_refusals():
                found = stacks(client)
            status = {name: found.get(name, "") for name in names}
            busy = [name for name in names if status[name].endswith("IN_PROGRESS") and "CREATE" not in status[name]]
            if not busy:
                return
            self._say(f"waiting for CloudFormation: {', '.join(f'{name} {status[name]}' for name in busy)}")
            time.sleep(_POLL_S)

    def _cdk(self, verb: str, names: Sequence[str], *how: str) -> None:
        self._say(f"cdk {verb} {' '.join(names)} …")
        # Whatever cdk.json says of the person's own stages: a key is what the experiment shows.
        context = (
            "-c",
            f"stage={STAGE}",
            "-c",
            f"model={self._model.spec.name}",
            "-c",
            "auth=api-key",
            "-c",
            "page=off",
        )
        cdk([verb, *names, *context, *how], self._log, self._say, f"cdk {verb}")

    def _caller(self) -> Caller:
        with aws_refusals():
            (stack,) = self._session.client("cloudformation").describe_stacks(StackName=API)["Stacks"]
            key_id = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}["ApiKeyId"]
            key = self._session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]
        return Caller(api_url(self._session, STAGE), key=key)


@contextmanager
def uninterrupted(say: Say) -> Iterator[None]:
    """Whoever wants this process to end meanwhile is told why it does not yet: what is left costs money."""

    def explain(_number: int, _frame: FrameType | None) -> None:
        say("removing what was deployed, so that it costs nothing; wait for it, or run again with --clean-up")

    before = {number: signal.signal(number, explain) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
