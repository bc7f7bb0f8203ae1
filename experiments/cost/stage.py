"""What a stage has: its endpoints, from the models' specs, and what is around them, from the synthesized templates."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.cost.monthly import DAYS, GB, HOURS, cold_starts, lambda_usd
from experiments.cost.prices import PriceTable
from experiments.cost.request import Measurements, Request
from local.template import of_type, referred
from models.instances import Architecture
from models.registry import Model

PROXY_S = 0.02  # docs/performance.md, a photograph of 12 megapixels: the function's own 10 ms, and boto's 12
PROXY_COLD_START_S = 0.15  # docs/performance.md, the proxy's cold import
LOG_BYTES = 2000  # of a request: the lines of the gateway, the proxy, Lambda itself and the model's server
CALLS = {"async": 3}  # of the API for one request: an upload, a job, its result
PROXY_METRICS = 9  # of each endpoint, where the function has METRICS_NAMESPACE; CloudWatch bills hours with values
ALARMS_OF_TRACKING = 2  # Application Auto Scaling makes them for a policy that tracks a target: one out, one in

_ALARM, _DASHBOARD, _WEB_ACL = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::WAFv2::WebACL"
_POLICY, _FUNCTION = "AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::Lambda::Function"
_COUNTED = (_ALARM, _DASHBOARD, _WEB_ACL, _POLICY, _FUNCTION)
_FREE = "AWS::WAFv2::WebACLAssociation"
_BILLED_BY_USE = (
    "ApiGateway",
    "ApplicationAutoScaling",
    "Budgets",
    "CDK",
    "IAM",
    "Lambda",
    "Logs",
    "S3",
    "SageMaker",
    "SNS",
    "Scheduler",
)
"""Services whose resources cost nothing by being there; what is asked of them, the rows of requests have."""

Properties = Mapping[str, Any]
Resources = Mapping[str, Properties]


@dataclass(frozen=True, slots=True)
class Served:
    """One endpoint of one model, and a request to it."""

    model: str
    name: str
    settings: Any
    request: Request

    @property
    def calls(self) -> int:
        """Calls of the API for one request."""
        return CALLS.get(self.settings.kind, 1)

    @property
    def proxy_s(self) -> float:
        """How long the function runs for a request: it waits for an answer, but not for a job."""
        return self.calls * PROXY_S + (0 if self.settings.kind == "async" else self.request.seconds)


@dataclass(frozen=True, slots=True)
class Around:
    """What the templates of a stage hold beside the endpoints: what is billed by the month, and the proxy."""

    proxy_memory_mb: int
    proxy_architecture: Architecture
    proxy_is_measured: bool
    alarm_metrics: int
    dashboards: int
    web_acls: int
    web_acl_rules: int
    unpriced: Mapping[str, int]
    """Resource type -> how many, of types that nothing here knows a price of."""


def served(models: Sequence[Model], measured: Measurements, body_bytes: float) -> list[Served]:
    """Every endpoint of `models`."""
    return [
        Served(model.spec.name, name, settings, measured.request(model, name, body_bytes))
        for model in models
        for name, settings in model.spec.endpoints.items()
    ]


def as_deployed(endpoints: Sequence[Served], assembly: Path) -> list[Served]:
    """The same with as many instances as the templates say: a stage may bound what model.toml allows."""
    bounds: dict[str, dict[str, int]] = {}
    for resources in _templates(assembly):
        bounds.update(_started(resources))
    for resources in _templates(assembly):
        bounds.update(_scaled(resources))
    return [_bounded(each, bounds) for each in endpoints]


def _bounded(each: Served, bounds: Mapping[str, dict[str, int]]) -> Served:
    of_this = (found for name, found in bounds.items() if name.endswith(f"-{each.model}-{each.name}"))
    return replace(each, settings=each.settings.model_copy(update=next(of_this, {})))


def _started(resources: Resources) -> Iterator[tuple[str, dict[str, int]]]:
    """Endpoints on instances, by name, each with those that it starts with."""
    for endpoint in of_type(resources, "AWS::SageMaker::Endpoint").values():
        variants = referred(resources, endpoint["EndpointConfigName"])["ProductionVariants"]
        if count := sum(variant.get("InitialInstanceCount", 0) for variant in variants):
            yield endpoint["EndpointName"], {"min_instances": count, "max_instances": count}


def _scaled(resources: Resources) -> Iterator[tuple[str, dict[str, int]]]:
    """Endpoints that scale, by name, each with its bounds."""
    for target in of_type(resources, "AWS::ApplicationAutoScaling::ScalableTarget").values():
        kind, name, *_ = target["ResourceId"].split("/")
        if kind == "endpoint" and target["ScalableDimension"].endswith("DesiredInstanceCount"):
            yield name, {"min_instances": target["MinCapacity"], "max_instances": target["MaxCapacity"]}


def archive_bytes(models: Sequence[Model]) -> int:
    """What the archives hold, before they are compressed; those already in S3 are somebody else's."""
    folders = [model.artifact for model in models if not model.spec.model.is_remote]
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


def read_around(assembly: Path) -> Around:
    """What the templates in `assembly`, a cloud assembly of one stage, hold."""
    resources = [resource for template in _templates(assembly) for resource in template.values()]
    of_kind = {kind: [each.get("Properties", {}) for each in resources if each["Type"] == kind] for kind in _COUNTED}
    tracking = [policy for policy in of_kind[_POLICY] if policy["PolicyType"] == "TargetTrackingScaling"]
    (proxy,) = (each for each in of_kind[_FUNCTION] if each.get("Handler", "").startswith("lambda_handlers.proxy."))
    return Around(
        proxy_memory_mb=proxy["MemorySize"],
        proxy_architecture=proxy["Architectures"][0],
        proxy_is_measured="METRICS_NAMESPACE" in proxy.get("Environment", {}).get("Variables", {}),
        alarm_metrics=sum(map(_metrics, of_kind[_ALARM])) + ALARMS_OF_TRACKING * len(tracking),
        dashboards=len(of_kind[_DASHBOARD]),
        web_acls=len(of_kind[_WEB_ACL]),
        web_acl_rules=sum(len(acl.get("Rules", [])) for acl in of_kind[_WEB_ACL]),
        unpriced=Counter(each["Type"] for each in resources if not _is_known(each["Type"])),
    )


def _templates(assembly: Path) -> Iterator[Resources]:
    for file in sorted(assembly.glob("*.template.json")):
        yield json.loads(file.read_text(encoding="utf-8")).get("Resources", {})


def _metrics(alarm: Properties) -> int:
    """Alarms are billed by the metrics that they look at."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1


def _is_known(kind: str) -> bool:
    return kind in (*_COUNTED, _FREE) or kind.split("::")[1] in _BILLED_BY_USE


def around_usd(
    around: Around, endpoints: Sequence[Served], archives: int, per_day: float, prices: PriceTable
) -> dict[str, float]:
    """US dollars a month beside the endpoints, when each of them is asked `per_day` times through the API."""
    rates = prices.rates
    calls = DAYS * per_day * sum(each.calls for each in endpoints)
    answers = DAYS * per_day * sum(each.request.answer_bytes for each in endpoints)
    rows = {
        "API Gateway": calls / 1e6 * rates.api_million_requests.usd + answers / GB * rates.transfer_out_gb.usd,
        "proxy function": _proxy_usd(around, endpoints, per_day, prices),
        "logs": calls * LOG_BYTES / GB * rates.logs_gb.usd,
        "alarms and dashboard": around.alarm_metrics * rates.alarm_metric_month.usd
        + around.dashboards * rates.dashboard_month.usd,
        "model archives in S3": archives / GB * rates.s3_gb_month.usd,
    }
    if around.proxy_is_measured:
        hours = min(per_day, HOURS) / HOURS
        rows["proxy's metrics"] = PROXY_METRICS * len(endpoints) * hours * rates.custom_metric_month.usd
    if around.web_acls:
        rows["web ACL"] = (
            around.web_acls * rates.waf_acl_month.usd
            + around.web_acl_rules * rates.waf_rule_month.usd
            + calls / 1e6 * rates.waf_million_requests.usd
        )
    return rows


def _proxy_usd(around: Around, endpoints: Sequence[Served], per_day: float, prices: PriceTable) -> float:
    calls = per_day * sum(each.calls for each in endpoints)
    return lambda_usd(
        prices,
        architecture=around.proxy_architecture,
        memory_mb=around.proxy_memory_mb,
        per_day=calls,
        seconds_a_day=per_day * sum(each.proxy_s for each in endpoints) + cold_starts(calls) * PROXY_COLD_START_S,
    )
