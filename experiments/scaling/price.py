"""What a simulated day costs, thirty times over: by experiments.cost, with the hours that there really were."""

from typing import Any

from experiments.cost.monthly import DAYS, data_usd, lambda_usd, objects_usd
from experiments.cost.prices import PriceTable
from experiments.cost.request import Request
from experiments.scaling.day import Day
from experiments.scaling.times import Times
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint


def usd_a_month(settings: Any, times: Times, day: Day, prices: PriceTable) -> float:
    """Instances from their launch on, or what is billed by the request; and the data. Raises NoPrice."""
    served = float(day.served.sum())
    request = Request(times.mean_s)
    if isinstance(settings, LambdaEndpoint):
        return lambda_usd(
            prices,
            architecture=settings.architecture,
            memory_mb=settings.memory_mb,
            storage_mb=settings.ephemeral_storage_mb,
            per_day=served,
            seconds_a_day=day.billed_s + day.cold_starts * times.cold_start_s,
        )
    data = data_usd(request, served, prices)
    if isinstance(settings, ServerlessEndpoint):
        gb_s = day.billed_s * settings.memory_mb / 1024
        return DAYS * gb_s * prices.rates.serverless_gb_second.usd + data
    if isinstance(settings, AsyncEndpoint):
        data += objects_usd(request, served, prices)
    return DAYS * day.instance_hours * prices.instance(settings.instance_type).usd + data
