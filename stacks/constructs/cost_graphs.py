"""What a stage is billed for, hour by hour, as far as CloudWatch counts it: instances, memory times time, requests.

AWS has a metric for none of the first two, so they are computed: an instance reports its CPU once a minute, and what is
billed by the GB-second took its time with all its memory. Prices are elsewhere, and change.
"""

from collections.abc import Iterator, Sequence
from itertools import count

from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint
from models.realtime import RealtimeEndpoint
from models.registry import Model
from stacks.constructs.endpoint_config import VARIANT
from stacks.constructs.graphs import Line, Widget, computed, graph, summed
from stacks.constructs.proxy_function import MEMORY_MB
from stacks.naming import endpoint_name
from stacks.stage import PROJECT, Stage

HOUR_S = 3600


def cost_graphs(models: Sequence[Model], stage: Stage) -> Iterator[Widget]:
    """Hours of instances, GB-seconds of serverless endpoints and of functions, requests of the API."""
    instances: list[Line] = []
    serverless: list[Line] = []
    functions = _proxy(stage)
    ids = map("m{}".format, count())
    for model in models:
        for endpoint, settings in model.spec.endpoints.items():
            name, label = endpoint_name(stage, model.spec, endpoint), f"{model.spec.name} {endpoint}"
            if isinstance(settings, RealtimeEndpoint | AsyncEndpoint):
                for served in settings.served:
                    of_variant = label if served.name == VARIANT else f"{label}, {served.name}"
                    shown = f"{of_variant}: {served.instance_type}"
                    instances += _instance_hours(next(ids), name, served.name, shown)
            elif isinstance(settings, ServerlessEndpoint):
                serverless += _serverless(next(ids), name, label, settings.memory_mb)
            elif isinstance(settings, LambdaEndpoint):
                functions += _function(next(ids), name, label, settings.memory_mb)
    if instances:
        yield graph("cost by the hour: instance hours", instances, HOUR_S)
    if serverless:
        yield graph("cost by the hour: serverless, GB-s", serverless, HOUR_S)
    yield graph("cost by the hour: functions, GB-s", functions, HOUR_S)
    of = ["ApiName", f"{PROJECT}-{stage.name}", "Stage", stage.name]
    yield graph("cost by the hour: API requests", [["AWS/ApiGateway", "Count", *of, summed("requests")]], HOUR_S)


def _instance_hours(id: str, name: str, variant: str, label: str) -> list[Line]:
    of = ["EndpointName", name, "VariantName", variant]
    namespace, metric = "/aws/sagemaker/Endpoints", "CPUUtilization"
    return computed(id, namespace, metric, of, stat="SampleCount", expression=f"{id} / 60", label=label)


def _serverless(id: str, name: str, label: str, memory_mb: int) -> list[Line]:
    of = ["EndpointName", name, "VariantName", VARIANT]
    expression = f"{id} / 1000000 * {memory_mb / 1024:g}"
    return computed(id, "AWS/SageMaker", "ModelLatency", of, stat="Sum", expression=expression, label=label)


def _function(id: str, name: str, label: str, memory_mb: int) -> list[Line]:
    expression = f"{id} / 1000 * {memory_mb / 1024:g}"
    of = ["FunctionName", name]
    return computed(id, "AWS/Lambda", "Duration", of, stat="Sum", expression=expression, label=label)


def _proxy(stage: Stage) -> list[Line]:
    """By the time that the API waits for it: the function's own name is CloudFormation's choice."""
    expression = f"proxy / 1000 * {MEMORY_MB / 1024:g}"
    of = ["ApiName", f"{PROJECT}-{stage.name}", "Stage", stage.name]
    return computed(
        "proxy", "AWS/ApiGateway", "IntegrationLatency", of, stat="Sum", expression=expression, label="the API's own"
    )
