"""The dashboard of a stage: what is asked of it, how fast it answers, what fails, and what it costs.

Everything in it is known by name, as alarms are. Metrics in `Fovea/<stage>` are those that the proxy makes where the
stage is measured (lambda_handlers/proxy/metrics.py has their names).
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from models.endpoints import AsyncEndpoint, LambdaEndpoint
from models.instances import InstanceEndpoint
from models.realtime import RealtimeEndpoint
from models.registry import Model
from stacks.constructs.alarms import Watched, watched_at
from stacks.constructs.cost_graphs import cost_graphs
from stacks.constructs.endpoint_config import VARIANT
from stacks.constructs.graphs import (
    Of,
    Widget,
    alarm_states,
    bottom,
    graph,
    highest,
    percentiles,
    placed,
    summed,
    text,
)
from stacks.naming import endpoint_name, metrics_namespace
from stacks.stage import PROJECT, Stage

HOPS = {
    "FunctionTime": "whole function",
    "ServiceTime": "service and model",
    "DecodeTime": "decoding",
    "InferenceTime": "inference",
    "EncodeTime": "encoding",
}


def dashboard_body(models: Sequence[Model], stage: Stage, alarm_arns: Sequence[str]) -> dict[str, Any]:
    """The API, what costs, and then each endpoint, four widgets side by side."""
    widgets = [text(f"# {PROJECT} {stage.name}", 2), alarm_states(alarm_arns, 2)]
    for row in (_api(stage), cost_graphs(models, stage)):
        widgets += placed(row, bottom(widgets))
    for model in models:
        for endpoint, settings in model.spec.endpoints.items():
            for part, row in _rows(stage, model, endpoint):
                heading = f"## {model.spec.name}: {endpoint} ({settings.kind}){part}"
                widgets.append(text(heading, 1, bottom(widgets)))
                widgets += placed(row, bottom(widgets))
    return {"widgets": widgets}


def _rows(stage: Stage, model: Model, endpoint: str) -> Iterator[tuple[str, Iterator[Widget]]]:
    """Of an endpoint, and of each variant beside its own, with what the heading says of it."""
    name, settings = endpoint_name(stage, model.spec, endpoint), model.spec.endpoints[endpoint]
    if isinstance(settings, AsyncEndpoint):
        yield "", _queue(name, settings)
        return
    asked = ["Model", model.spec.name, "Endpoint", endpoint]
    through = _through_the_api(metrics_namespace(stage), asked) if stage.is_measured else iter(())
    if isinstance(settings, LambdaEndpoint):
        yield "", chain(_function(name), through)
        return
    for each in watched_at(name, settings):
        row = _sagemaker(each, settings)
        yield ("", chain(row, through)) if each.name == name else (f", {each.dimensions['VariantName']}", row)


def _api(stage: Stage) -> Iterator[Widget]:
    of = ["ApiName", f"{PROJECT}-{stage.name}", "Stage", stage.name]
    yield graph("API: requests", [["AWS/ApiGateway", "Count", *of, summed("requests")]])
    yield graph("API: latency, ms", percentiles("AWS/ApiGateway", "Latency", of))
    yield graph(
        "API: refused and failed",
        [["AWS/ApiGateway", "4XXError", *of, summed("4xx")], ["AWS/ApiGateway", "5XXError", *of, summed("5xx")]],
    )
    both = ["AWS/ApiGateway", "IntegrationLatency", *of, {"stat": "p99", "label": "function and model, p99, ms"}]
    starts = [[metrics_namespace(stage), "ColdStarts", summed("cold starts") | {"yAxis": "right"}]]
    title = "API: function and model" + ("; its cold starts" if stage.is_measured else "")
    yield graph(title, [both, *(starts if stage.is_measured else [])])


def _sagemaker(each: Watched, settings: Any) -> Iterator[Widget]:
    of = [word for dimension in each.dimensions.items() for word in dimension]
    yield graph("invocations", [["AWS/SageMaker", "Invocations", *of, summed("invocations")]])
    yield graph("model latency, µs", percentiles("AWS/SageMaker", "ModelLatency", of))
    yield graph("overhead latency, µs", percentiles("AWS/SageMaker", "OverheadLatency", of))
    yield graph(
        "refused and failed",
        [
            ["AWS/SageMaker", "Invocation4XXErrors", *of, summed("4xx")],
            ["AWS/SageMaker", "Invocation5XXErrors", *of, summed("5xx")],
        ],
    )
    yield from _instances(of, settings) if isinstance(settings, InstanceEndpoint) else _serverless(of)


def _instances(of: Of, settings: InstanceEndpoint) -> Iterator[Widget]:
    """100 % of the CPU is one core; of a component, all that it has reserved."""
    namespace, how = "/aws/sagemaker/Endpoints", ""
    if isinstance(settings, RealtimeEndpoint) and settings.component:
        namespace, how = "/aws/sagemaker/InferenceComponents", "Normalized"
    for title, used in (("CPU and memory", ("CPU", "Memory")), ("GPU and its memory", ("GPU", "GPUMemory"))):
        if settings.is_gpu or "GPU" not in used:
            lines = [[namespace, f"{each}Utilization{how}", *of, {"stat": "Average"}] for each in used]
            yield graph(f"use of {title}, %", lines)


def _serverless(of: Of) -> Iterator[Widget]:
    yield graph(
        "cold starts: longest, µs; how many",
        [
            ["AWS/SageMaker", "ModelSetupTime", *of, {"stat": "Maximum", "label": "longest"}],
            ["AWS/SageMaker", "ModelSetupTime", *of, {"stat": "SampleCount", "label": "many", "yAxis": "right"}],
        ],
    )
    yield graph(
        "concurrency and memory, %",
        [
            ["AWS/SageMaker", "ServerlessConcurrentExecutionsUtilization", *of, highest("of max_concurrency")],
            ["/aws/sagemaker/Endpoints", "MemoryUtilization", *of, highest("memory")],
        ],
    )


def _queue(name: str, settings: AsyncEndpoint) -> Iterator[Widget]:
    queue = ["EndpointName", name]
    of = [*queue, "VariantName", VARIANT]
    counted = {"InvocationsProcessed": "done", "InvocationFailures": "failed", "ExpiredRequests": "expired"}
    yield graph("jobs", [["AWS/SageMaker", metric, *of, summed(label)] for metric, label in counted.items()])
    yield graph(
        "queue; its oldest job, s",
        [
            ["AWS/SageMaker", "ApproximateBacklogSize", *queue, {"stat": "Maximum", "label": "all"}],
            ["AWS/SageMaker", "ApproximateBacklogSizePerInstance", *queue, {"stat": "Average", "label": "an instance"}],
            ["AWS/SageMaker", "HasBacklogWithoutCapacity", *queue, {"stat": "Maximum", "label": "no instance"}],
            ["AWS/SageMaker", "ApproximateAgeOfOldestRequest", *queue, highest("oldest")],
        ],
    )
    times = {"TimeInBacklog": "waiting", "TotalProcessingTime": "in all"}
    yield graph(
        "time of a job, ms",
        [
            ["AWS/SageMaker", metric, *of, {"stat": stat, "label": f"{label}, {stat.lower()}"}]
            for metric, label in times.items()
            for stat in ("Average", "Maximum")
        ],
    )
    yield from _instances(of, settings)


def _function(name: str) -> Iterator[Widget]:
    of = ["FunctionName", name]
    yield graph("invocations", [["AWS/Lambda", "Invocations", *of, summed("invocations")]])
    yield graph("latency, ms", percentiles("AWS/Lambda", "Duration", of))
    yield graph(
        "failed and throttled",
        [["AWS/Lambda", "Errors", *of, summed("errors")], ["AWS/Lambda", "Throttles", *of, summed("throttles")]],
    )
    yield graph("concurrency", [["AWS/Lambda", "ConcurrentExecutions", *of, {"stat": "Maximum", "label": "at once"}]])


def _through_the_api(namespace: str, of: Of) -> Iterator[Widget]:
    hops = [[namespace, metric, *of, {"stat": "p90", "label": label}] for metric, label in HOPS.items()]
    yield graph("through the API: each hop, p90, ms", hops)
    sizes = {"RequestBytes": "request", "ResponseBytes": "response"}
    outcomes = {"Refused": "refused", "Failed": "failed"}
    yield graph(
        "through the API: mean bytes; errors",
        [
            *([namespace, metric, *of, {"stat": "Average", "label": label}] for metric, label in sizes.items()),
            *([namespace, metric, *of, summed(label) | {"yAxis": "right"}] for metric, label in outcomes.items()),
        ],
    )
