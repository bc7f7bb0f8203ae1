"""The stages, each with everything that differs between them, in one typed place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from aws_cdk import RemovalPolicy

PROJECT = "fovea"

Auth = Literal["api-key", "iam", "cognito"]
"""What a caller shows: a key, a signature of AWS credentials, or the token of somebody who signed in."""


class StageError(Exception):
    """What the context says of the stage cannot be done; the message says why and what can."""


class UnknownStage(StageError):
    """`-c stage=` names no stage; the message lists those there are."""


class BadOption(StageError):
    """A key of the context that changes the stage has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment of everything. The account and region are those of the caller's credentials."""

    name: str
    log_retention_days: int
    removal_policy: RemovalPolicy  # of the logs, the jobs' buckets and the users: what cannot be made again
    auth: Auth  # unless the context says otherwise (stacks/options.py)
    job_retention_days: int  # of the results of asynchronous jobs, and of what is remembered of them
    requests_per_second: int  # steady rate, over all callers
    burst_requests: int
    requests_per_day: int  # for each API key
    most_instances: int  # of each endpoint that runs on instances, whatever its model.toml allows
    is_watched: bool  # alarms and a dashboard cost some dollars a month, however little is asked
    is_measured: bool  # the proxy's own metrics: up to 0.30 $ a month for each of nine for each endpoint
    monthly_limit_usd: int | None  # what AWS Budgets warns of; its alert is free
    approves_models: bool = False  # a person, whatever the measures say of a newly trained one
    is_traced: bool = False  # by X-Ray: 5 $ for a million requests that it keeps


STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            "dev",
            7,
            RemovalPolicy.DESTROY,
            auth="api-key",
            job_retention_days=1,
            requests_per_second=50,
            burst_requests=100,
            requests_per_day=10_000,
            most_instances=1,
            is_watched=False,
            is_measured=False,
            monthly_limit_usd=None,
        ),
        Stage(
            "beta",
            30,
            RemovalPolicy.DESTROY,
            auth="iam",
            job_retention_days=7,
            requests_per_second=100,
            burst_requests=200,
            requests_per_day=50_000,
            most_instances=2,
            is_watched=True,
            is_measured=True,
            monthly_limit_usd=5_000,  # the five models' least instances alone are some 3,300
        ),
        Stage(
            "prod",
            365,
            # A first deployment that fails takes its empty log groups along; after that they outlive the stack.
            RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            auth="iam",
            job_retention_days=7,
            requests_per_second=500,
            burst_requests=1000,
            requests_per_day=1_000_000,
            most_instances=100,  # as model.toml: no less than it may say
            is_watched=True,
            is_measured=True,
            monthly_limit_usd=10_000,
            approves_models=True,
        ),
    )
}
SWEEP = Stage(
    "sweep",
    1,
    RemovalPolicy.DESTROY,
    auth="api-key",
    job_retention_days=1,
    requests_per_second=500,  # more than a variant is asked for: what is measured is not the gateway's refusals
    burst_requests=1000,
    requests_per_day=1_000_000,
    most_instances=1,
    is_watched=False,
    is_measured=False,
    monthly_limit_usd=None,
)
"""Of `python -m experiments.sweep` alone, which deploys and destroys it: nobody's own stage is ever in its way."""
DEFAULT_STAGE = "dev"


def stage_named(name: object) -> Stage:
    """The stage of that name. Raises UnknownStage."""
    if name == SWEEP.name:
        return SWEEP
    try:
        return STAGES[str(name)]
    except KeyError as error:
        raise UnknownStage(f"stage: {name!r} is not a stage; use -c stage= with one of {', '.join(STAGES)}") from error


def stage_asked(context: Callable[[str], Any]) -> Stage:
    """The stage that the context names, with what else it says of it. Raises UnknownStage and BadOption."""
    asked = context("stage")
    return adjusted(stage_named(DEFAULT_STAGE if asked is None else asked), context)


def adjusted(stage: Stage, context: Callable[[str], Any]) -> Stage:
    """`stage` with what the context says otherwise. Raises BadOption."""
    if (limit := context("monthly_limit_usd")) is not None:
        stage = replace(stage, monthly_limit_usd=_dollars(limit))
    if (tracing := context("tracing")) is not None:
        stage = replace(stage, is_traced=_is_on("tracing", tracing))
    return stage


def _dollars(given: object) -> int | None:
    text = str(given)
    if not (text.isascii() and text.isdigit()):
        raise BadOption(
            f"monthly_limit_usd: {given!r} is no number of whole dollars; use such as 500, or 0 for no alert"
        )
    return int(text) or None


def _is_on(name: str, given: object) -> bool:
    choices = {"on": True, "off": False}
    try:
        return choices[str(given)]
    except KeyError as error:
        raise BadOption(f"{name}: {given!r} is neither; use -c {name}= with on or off") from error
