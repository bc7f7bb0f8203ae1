"""The stages, each with everything that differs between them, in one typed place."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy

PROJECT = "fovea"


class UnknownStage(Exception):
    """`-c stage=` names no stage; the message lists those there are."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment of everything. The account and region are those of the caller's credentials."""

    name: str
    log_retention_days: int
    removal_policy: RemovalPolicy  # of the logs: the only thing in the stacks that cannot be made again
    requests_per_second: int  # steady rate, over all callers
    burst_requests: int
    requests_per_day: int  # for each API key


STAGES = {
    stage.name: stage
    for stage in (
        Stage("dev", 7, RemovalPolicy.DESTROY, requests_per_second=50, burst_requests=100, requests_per_day=10_000),
        Stage("beta", 30, RemovalPolicy.DESTROY, requests_per_second=100, burst_requests=200, requests_per_day=50_000),
        Stage(
            "prod",
            365,
            # A first deployment that fails takes its empty log groups along; after that they outlive the stack.
            RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            requests_per_second=500,
            burst_requests=1000,
            requests_per_day=1_000_000,
        ),
    )
}
DEFAULT_STAGE = "dev"


def stage_named(name: object) -> Stage:
    """The stage of that name. Raises UnknownStage."""
    try:
        return STAGES[str(name)]
    except KeyError as error:
        raise UnknownStage(f"stage: {name!r} is not a stage; use -c stage= with one of {', '.join(STAGES)}") from error
