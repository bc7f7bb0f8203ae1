"""What watches over a stage: an alarm for each way to fail, whom it tells, a dashboard that shows every endpoint."""

import json

import pytest

from lambda_handlers.proxy.metrics import OF_ENDPOINT, OF_FUNCTION
from models.registry import load_models
from stacks.constructs.graphs import FULL
from stacks.stage import STAGES
from tests.stacks.assembly import said, synthesize


@pytest.fixture(params=["beta", "prod"])
def watch(stages, request):
    return stages[request.param].watch


@pytest.fixture
def stage(watch):
    return watch.name.split("-")[1]


@pytest.fixture
def names(stage):
    """Every endpoint, as AWS knows it."""
    models = load_models()
    return {f"fovea-{stage}-{model.spec.name}-{endpoint}" for model in models for endpoint in model.spec.endpoints}


@pytest.fixture
def alarms(watch):
    return {alarm["AlarmName"]: alarm for alarm in watch.properties("CloudWatch::Alarm")}


def widgets(watch) -> list[dict]:
    return json.loads(said(watch.only("CloudWatch::Dashboard")["DashboardBody"]))["widgets"]


def test_the_stage_to_try_things_in_is_not_watched_since_that_costs(stages):
    assert stages["dev"].watch is None


def test_the_api_and_each_endpoint_have_an_alarm_for_failing_and_one_for_slow_or_for_a_queue(alarms, names, stage):
    queues = {name for name in names if name.endswith("-jobs")}
    answer = {*names, f"fovea-{stage}-api"} - queues
    assert set(alarms) == {
        *(f"{name}-{how}" for name in answer for how in ("failing", "slow")),
        *(f"{name}-{how}" for name in queues for how in ("failing", "waiting")),
    }


def test_a_queue_is_watched_by_metrics_that_an_asynchronous_endpoint_has(alarms, watch):
    """SageMaker developer guide, "Monitor asynchronous endpoint": whatever is not listed there is not published."""
    of_queue = {
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
        "ApproximateAgeOfOldestRequest",
        "HasBacklogWithoutCapacity",
    }
    of_variant = {"InvocationsProcessed", "InvocationFailures", "ExpiredRequests", "TimeInBacklog"}
    of_variant |= {"TotalProcessingTime", "Invocation5XXErrors", "CPUUtilization", "MemoryUtilization"}
    for _, metric, *dimensions in (line for line in lines(watch) if line[3:] and line[3].endswith("-jobs")):
        assert metric in (of_variant if "VariantName" in dimensions else of_queue)
    for name, alarm in alarms.items():
        if name.endswith("-jobs-waiting"):
            assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateAgeOfOldestRequest", 1800)
            assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["EndpointName"]
        if name.endswith("-jobs-failing"):
            counted = [metric["MetricStat"]["Metric"]["MetricName"] for metric in alarm["Metrics"][1:]]
            assert set(counted) <= of_variant


def test_every_alarm_tells_the_topic_and_is_quiet_when_nobody_asks(alarms):
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_slow_is_in_the_unit_of_the_metric(alarms):
    thresholds = {alarm["MetricName"]: alarm["Threshold"] for name, alarm in alarms.items() if name.endswith("-slow")}
    assert thresholds == {"Latency": 10_000, "ModelLatency": 10_000_000, "Duration": 10_000}


def test_failing_is_a_share_of_the_requests(alarms):
    for name, alarm in alarms.items():
        if name.endswith("-failing"):
            percent, errors, requests = alarm["Metrics"]
            assert percent["Expression"] == "IF(requests > 0, 100 * errors / requests, 0)"
            of = [metric["MetricStat"]["Metric"] for metric in (errors, requests)]
            assert of[0]["Dimensions"] == of[1]["Dimensions"]
            assert of[0]["Namespace"] == of[1]["Namespace"]


def test_the_topic_takes_alarms_and_warnings_of_this_account_by_tls_alone(watch):
    deny, alarms, budgets = watch.only("SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (alarms["Effect"], alarms["Principal"]) == ("Allow", {"Service": "cloudwatch.amazonaws.com"})
    assert (budgets["Effect"], budgets["Principal"]) == ("Allow", {"Service": "budgets.amazonaws.com"})
    for allow in (alarms, budgets):
        assert said(allow["Condition"]["StringEquals"]["aws:SourceAccount"]) == "${AWS::AccountId}"
    source = said(budgets["Condition"]["ArnLike"]["aws:SourceArn"])
    assert source == "arn:${AWS::Partition}:budgets::${AWS::AccountId}:*"


def test_the_budget_counts_what_is_tagged_as_this_stages_stacks_are(watch, stage):
    limit = watch.only("Budgets::Budget")["Budget"]
    assert (limit["BudgetType"], limit["TimeUnit"], limit["Metrics"]) == ("COST", "MONTHLY", ["UnblendedCost"])
    assert limit["BudgetLimit"] == {"Amount": STAGES[stage].monthly_limit_usd, "Unit": "USD"}
    counted = {each["Tags"]["Key"]: each["Tags"]["Values"] for each in limit["FilterExpression"]["And"]}
    assert counted == {key: [value] for key, value in watch.tags.items()}


def test_the_budget_tells_the_topic_of_what_is_spent_and_of_what_will_be(watch):
    ((_, budget),) = watch.resources("Budgets::Budget")
    ((policy, _),) = watch.resources("SNS::TopicPolicy")
    assert budget["DependsOn"] == [policy]
    warnings = budget["Properties"]["NotificationsWithSubscribers"]
    of = [warning["Notification"] for warning in warnings]
    assert [(each["NotificationType"], each["Threshold"]) for each in of] == [("ACTUAL", 80), ("FORECASTED", 100)]
    for warning in warnings:
        assert warning["Subscribers"] == [{"SubscriptionType": "SNS", "Address": {"Ref": "Alarms"}}]


def test_the_dashboard_has_a_row_for_each_endpoint_and_all_alarms(watch, names, alarms):
    shown = json.dumps(widgets(watch))
    assert all(f'"{name}"' in shown for name in names)
    (listed,) = (widget for widget in widgets(watch) if widget["type"] == "alarm")
    assert {arn.rpartition(":")[2] for arn in listed["properties"]["alarms"]} == set(alarms)


def test_no_widget_covers_another_or_leaves_the_grid(watch):
    taken = set()
    for widget in widgets(watch):
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < FULL
        taken |= cells


def lines(watch) -> list[list]:
    return [line for widget in widgets(watch) for line in widget["properties"].get("metrics", [])]


def test_every_line_is_a_metric_or_made_of_one_beside_it(watch):
    for widget in widgets(watch):
        if widget["type"] != "metric":
            continue
        shown = widget["properties"]["metrics"]
        ids = {line[-1]["id"] for line in shown if "id" in line[-1]}
        assert len(ids) == len([line for line in shown if "id" in line[-1]])
        assert shown, widget["properties"]["title"]
        for line in shown:
            if "expression" in line[-1]:
                assert line[-1]["expression"].split()[0] in ids
            else:
                assert len(line) % 2 == 1
                assert line[-1]["stat"]


def test_each_sagemaker_endpoint_shows_both_latencies_by_p50_p90_and_p99(watch, names, stages, stage):
    endpoints = {
        one["EndpointName"] for stack in stages[stage].models for one in stack.properties("SageMaker::Endpoint")
    } - {name for name in names if name.endswith("-jobs")}
    seen = {(line[1], line[3], line[-1]["stat"]) for line in lines(watch) if line[0] == "AWS/SageMaker"}
    for name in endpoints:
        for metric in ("ModelLatency", "OverheadLatency"):
            assert {(metric, name, stat) for stat in ("p50", "p90", "p99")} <= seen
    assert endpoints < names


def test_each_endpoint_shows_its_use_or_its_cold_starts(watch, stages, stage):
    shown = {(line[1], line[3]) for line in lines(watch) if line[0] in ("AWS/SageMaker", "/aws/sagemaker/Endpoints")}
    for stack in stages[stage].models:
        for config in stack.properties("SageMaker::EndpointConfig"):
            (variant,) = config["ProductionVariants"]
            is_gpu = variant.get("InstanceType", "").startswith("ml.g")
            names = {name for _, name in shown if name.startswith(f"fovea-{stage}-{stack.tags['model']}-")}
            kind = "ServerlessConfig" in variant
            metrics = {"ModelSetupTime", "ServerlessConcurrentExecutionsUtilization"} if kind else {"CPUUtilization"}
            metrics |= {"GPUUtilization", "GPUMemoryUtilization"} if is_gpu else set()
            assert any({metric for metric, of in shown if of == name} >= metrics for name in names)


def test_what_costs_is_computed_of_each_endpoint(watch, names):
    made = {
        line[-1]["id"].removesuffix("_is"): line[-1]["expression"]
        for line in lines(watch)
        if "id" in line[-1] and "expression" in line[-1]
    }
    of = {line[-1]["id"]: line for line in lines(watch) if line[-1].get("visible") is False}
    assert {line[3] for line in of.values()} == names | {of["proxy"][3]}
    for name, line in of.items():
        expected = {
            "CPUUtilization": f"{name} / 60",
            "ModelLatency": f"{name} / 1000000 * ",
            "Duration": f"{name} / 1000 * ",
        }
        assert made[name].startswith(expected.get(line[1], "proxy / 1000 * 1"))


def test_the_proxys_own_metrics_are_those_that_it_makes(watch, stage):
    own = [line for line in lines(watch) if line[0] == f"Fovea/{stage}"]
    assert {line[1] for line in own} == set(OF_ENDPOINT) | set(OF_FUNCTION)
    shown = {(line[3], line[5]) for line in own if len(line) > 3}
    assert shown == {
        (model.spec.name, each) for model in load_models() for each in model.spec.endpoints if each != "jobs"
    }


def test_a_stage_of_serverless_endpoints_alone_has_no_empty_graph(repository, tmp_path):
    watch = synthesize("beta", tmp_path / "out", repository.root, kinds="serverless").watch
    titles = [widget["properties"].get("title", "") for widget in widgets(watch)]
    assert not [title for title in titles if "instance hours" in title]
    assert all(widget["properties"]["metrics"] for widget in widgets(watch) if widget["type"] == "metric")
