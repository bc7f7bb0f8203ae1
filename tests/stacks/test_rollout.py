"""How an update moves the requests, and the alarms that move them back."""

import pytest

from tests.stacks.assembly import said, synthesize
from tests.stacks.test_permissions import allowed

INSTANCES = "max_instances = 4\n"
NAME = "fovea-prod-cat-breeds-gpu"


@pytest.fixture
def deploy(repository, tmp_path):
    """The model's stack when its endpoint on instances has a rollout of `lines`."""

    def deployed(*lines: str, instances: int = 2):
        table = "\n".join([f"min_instances = {instances}", INSTANCES, "[endpoints.gpu.rollout]", *lines, ""])
        repository.edit(INSTANCES, table)
        return synthesize("prod", tmp_path / "out", repository.root).part("cat-breeds")

    return deployed


def endpoint_of(stack) -> dict:
    (found,) = [one for _, one in stack.resources("SageMaker::Endpoint") if one["Properties"]["EndpointName"] == NAME]
    return found


@pytest.mark.parametrize(
    ("lines", "routing"),
    [
        (["wait_s = 600"], {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50}}),
        (
            ['shift = "linear"', "step_percent = 25", "wait_s = 600"],
            {"Type": "LINEAR", "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25}},
        ),
        (['shift = "all-at-once"', "wait_s = 600"], {"Type": "ALL_AT_ONCE"}),
    ],
)
def test_requests_move_as_the_table_says(deploy, lines, routing):
    config = endpoint_of(deploy(*lines, instances=4))["Properties"]["DeploymentConfig"]
    policy = config["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == routing | {"WaitIntervalInSeconds": 600}
    assert policy["TerminationWaitInSeconds"] == 0
    assert policy["MaximumExecutionTimeoutInSeconds"] > 3600


def test_what_load_asked_for_is_kept_and_the_configuration_is_not_the_last_ones(deploy):
    properties = endpoint_of(deploy())["Properties"]
    assert properties["RetainAllVariantProperties"] is True
    assert "RetainDeploymentConfig" not in properties  # AWS refuses it beside a DeploymentConfig


def test_the_alarms_of_the_update_look_at_the_new_instances_and_are_there_before_it(deploy):
    stack = deploy("failing_percent = 2.5", "slow_s = 4")
    endpoint = endpoint_of(stack)
    config = endpoint["Properties"]["EndpointConfigName"]
    named = endpoint["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    made = dict(stack.resources("CloudWatch::Alarm"))
    alarms = {alarm["Properties"]["AlarmName"]: alarm["Properties"] for alarm in made.values()}
    assert [alarm["AlarmName"] for alarm in named] == list(alarms)
    assert set(alarms) == {f"{NAME}-rollout-failing", f"{NAME}-rollout-slow"}
    assert set(made) < set(endpoint["DependsOn"])
    failing, slow = alarms.values()
    dimensions = {
        "EndpointName": NAME,
        "VariantName": "AllTraffic",
        "EndpointConfigName": config,
    }
    assert {one["Name"]: one["Value"] for one in slow["Dimensions"]} == dimensions
    for metric in failing["Metrics"][1:]:
        of = metric["MetricStat"]["Metric"]["Dimensions"]
        assert {one["Name"]: one["Value"] for one in of} == dimensions
    assert (failing["Threshold"], slow["Threshold"]) == (2.5, 4e6)
    assert slow["Period"] * slow["EvaluationPeriods"] < 300
    assert "AlarmActions" not in slow


def test_sagemaker_may_see_its_alarms(deploy):
    seen = {resource.rpartition(":")[2] for action, resource in allowed(deploy()) if "DescribeAlarms" in action}
    assert seen == {f"{NAME}-rollout-failing", f"{NAME}-rollout-slow"}


def test_without_a_table_there_is_neither_alarm_nor_deployment_configuration(repository, tmp_path):
    stack = synthesize("prod", tmp_path / "out", repository.root).part("cat-breeds")
    assert not stack.properties("CloudWatch::Alarm")
    assert "DeploymentConfig" not in endpoint_of(stack)["Properties"]
    assert not [action for action, _ in allowed(stack) if "DescribeAlarms" in action]
    assert said(endpoint_of(stack)["Properties"]["EndpointConfigName"])
