"""The arithmetic: what one endpoint costs in a month of 30 days, asked evenly all day.

Where the billing of a kind is not plain multiplication, its function says which model it follows and why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from experiments.cost.prices import NoPrice, PriceTable
from experiments.cost.request import Request
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint
from models.instances import Architecture
from models.realtime import RealtimeEndpoint

DAYS, HOURS, DAY_S = 30, 24, 24 * 3600
GB = 1e9
IDLE_S = 600  # after which the environment of a function leaves: usual, and not promised
MOST_COLD_STARTS_A_DAY = DAY_S // IDLE_S
STARTING_S, LEAVING_S = (
    300,
    900,
)  # of an instance for a queue: assumed, from its launch, and until the empty queue shows
_FREE_STORAGE_MB = 512
_INPUTS_KEPT_DAYS = 2  # a day, and until the midnight after


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars a month; `instances` of those endpoints that have some; `is_beyond` what the endpoint can take."""

    usd: float
    instances: int | None = None
    is_beyond: bool = False


def monthly(endpoint: Any, request: Request, per_day: float, prices: PriceTable) -> Cost:
    """The endpoint alone, without the API before it. Raises NoPrice."""
    try:
        of_kind = KINDS[endpoint.kind]
    except KeyError as error:
        raise NoPrice(
            f'kind = "{endpoint.kind}": has no arithmetic; add it to KINDS in experiments/cost/monthly.py'
        ) from error
    return of_kind(endpoint, request, per_day, prices)


def serverless(endpoint: ServerlessEndpoint, request: Request, per_day: float, prices: PriceTable) -> Cost:
    """Milliseconds of processing times memory, and data. AWS bills "to process inference requests": no cold starts."""
    seconds = per_day * request.billed_s
    gb_s = seconds * endpoint.memory_mb / 1024
    usd = DAYS * gb_s * prices.rates.serverless_gb_second.usd + data_usd(request, per_day, prices)
    return Cost(usd, is_beyond=seconds / DAY_S > endpoint.max_concurrency)


def realtime(endpoint: RealtimeEndpoint, request: Request, per_day: float, prices: PriceTable) -> Cost:
    """Instance hours, and data. As many instances as the scaling's target asks for, within its bounds.

    One that scales to zero has instances as a queue has: while it is asked, and until scaling has seen that it is not.
    Its variants stay at their least.
    """
    needed = max(1, ceil(per_day / daily_capacity(endpoint)))
    count = min(max(needed, endpoint.min_instances), endpoint.max_instances)
    hours: float = count * HOURS * DAYS
    if endpoint.component:
        hours = min(hours, DAYS * awake_s(request, per_day, count) / 3600)
    usd = hours * prices.instance(endpoint.instance_type).usd + data_usd(request, per_day, prices)
    for variant in endpoint.served[1:]:
        usd += variant.min_instances * HOURS * DAYS * prices.instance(variant.instance_type).usd
    return Cost(usd, None if endpoint.component else count, is_beyond=needed > endpoint.max_instances)


def daily_capacity(endpoint: RealtimeEndpoint) -> int:
    """Requests a day that one instance is meant to serve."""
    return endpoint.target_invocations_per_instance * 60 * HOURS


def asynchronous(endpoint: AsyncEndpoint, request: Request, per_day: float, prices: PriceTable) -> Cost:
    """Instance hours while there are jobs, data, and what passes through S3; one job at a time on each instance.

    A job wakes an instance, which starts, works and stays until scaling has seen that the queue is empty; jobs that
    come closer together than that keep it awake all day.
    """
    needed = max(1, ceil(per_day * request.seconds / DAY_S))
    awake = awake_s(request, per_day, min(needed, endpoint.max_instances))
    hours = DAYS * max(awake, endpoint.min_instances * DAY_S) / 3600
    usd = hours * prices.instance(endpoint.instance_type).usd
    usd += data_usd(request, per_day, prices) + objects_usd(request, per_day, prices)
    return Cost(usd, is_beyond=needed > endpoint.max_instances)


def awake_s(request: Request, per_day: float, most_instances: int) -> float:
    """Seconds a day of instances that start for a request and leave again, no more than all of them all day."""
    return min(per_day * (STARTING_S + request.seconds + LEAVING_S), most_instances * DAY_S)


def function(endpoint: LambdaEndpoint, request: Request, per_day: float, prices: PriceTable) -> Cost:
    """Requests and their memory for as long as they run; a cold start is billed from the start of the process."""
    seconds = per_day * request.billed_s
    usd = lambda_usd(
        prices,
        architecture=endpoint.architecture,
        memory_mb=endpoint.memory_mb,
        storage_mb=endpoint.ephemeral_storage_mb,
        per_day=per_day,
        seconds_a_day=seconds + cold_starts(per_day) * request.cold_start_s,
    )
    bound = endpoint.reserved_concurrency
    return Cost(usd, is_beyond=bound is not None and seconds / DAY_S > bound)


def cold_starts(per_day: float) -> float:
    """At most this many a day: each comes after ten minutes in which nobody asked."""
    return min(per_day, MOST_COLD_STARTS_A_DAY)


def lambda_usd(
    prices: PriceTable,
    *,
    architecture: Architecture,
    memory_mb: int,
    per_day: float,
    seconds_a_day: float,
    storage_mb: int = _FREE_STORAGE_MB,
) -> float:
    """A month of a Lambda function that starts `per_day` times and runs `seconds_a_day`."""
    rates = prices.rates
    gb_second = rates.lambda_arm_gb_second if architecture == "arm64" else rates.lambda_x86_gb_second
    storage_gb = (storage_mb - _FREE_STORAGE_MB) / 1024
    a_second = memory_mb / 1024 * gb_second.usd + storage_gb * rates.lambda_storage_gb_second.usd
    return DAYS * (per_day / 1e6 * rates.lambda_million_requests.usd + seconds_a_day * a_second)


def data_usd(request: Request, per_day: float, prices: PriceTable) -> float:
    """A month of what goes into the endpoint and out of it."""
    return DAYS * per_day * request.bytes / GB * prices.rates.endpoint_data_gb.usd


def objects_usd(request: Request, per_day: float, prices: PriceTable) -> float:
    """Of each job two objects, written and read once."""
    rates = prices.rates
    requests = 2 * DAYS * per_day / 1000 * (rates.s3_thousand_puts.usd + rates.s3_thousand_gets.usd)
    return requests + per_day * _INPUTS_KEPT_DAYS * request.body_bytes / GB * rates.s3_gb_month.usd


KINDS: dict[str, Callable[[Any, Request, float, PriceTable], Cost]] = {
    "serverless": serverless,
    "realtime": realtime,
    "async": asynchronous,
    "lambda": function,
}
