"""What deploys an endpoint that scales to zero, and who may ask it."""

import json

import pytest

from rehearsal.gaps import _scalable_target, _scaling_policy
from tests.stacks.assembly import said, synthesize
from tests.stacks.test_permissions import allowed, statements

NAME = "fovea-prod-cat-breeds-gpu"
ZERO = "max_instances = 4\nscale_to_zero = true\n[endpoints.gpu.component]\nmemory_mb = 1024\n"


@pytest.fixture
def assembly(repository, tmp_path):
    repository.edit("max_instances = 4\n", ZERO)
    return synthesize("prod", tmp_path / "out", repository.root)


@pytest.fixture
def stack(assembly):
    return assembly.part("cat-breeds")


def only(stack, kind: str, **having) -> dict:
    (found,) = [each for each in stack.properties(kind) if having.items() <= each.items()]
    return found


def test_the_endpoint_has_no_model_of_its_own_and_may_have_no_instance(stack):
    endpoint = only(stack, "SageMaker::Endpoint", EndpointName=NAME)
    config = stack.template["Resources"][said(endpoint["EndpointConfigName"])[2:].partition(".")[0]]["Properties"]
    (variant,) = config["ProductionVariants"]
    assert not {"ModelName", "InitialVariantWeight"} & set(variant)
    assert variant["ManagedInstanceScaling"] == {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
    assert variant["InferenceAmiVersion"]
    assert config["EnableNetworkIsolation"] is True
    assert "ExecutionRole" in said(config["ExecutionRoleArn"])
    assert "RetainAllVariantProperties" not in endpoint


def test_the_component_is_the_model_with_what_a_copy_reserves(stack):
    component = stack.only("SageMaker::InferenceComponent")
    assert component["InferenceComponentName"] == component["EndpointName"] == NAME
    specification = component["Specification"]
    assert specification["ComputeResourceRequirements"] == {
        "MinMemoryRequiredInMb": 1024,
        "NumberOfAcceleratorDevicesRequired": 1,
    }
    model = stack.template["Resources"][said(specification["ModelName"])[2:].partition(".")[0]]
    assert model["Type"] == "AWS::SageMaker::Model"
    ((_, resource),) = stack.resources("SageMaker::InferenceComponent")
    (awaited,) = resource["DependsOn"]
    assert stack.template["Resources"][awaited]["Properties"]["EndpointName"] == NAME


def test_copies_go_with_the_load_and_come_back_with_the_first_request(stack):
    target = stack.only("ApplicationAutoScaling::ScalableTarget")
    assert target["ScalableDimension"] == "sagemaker:inference-component:DesiredCopyCount"
    assert target["ResourceId"] == f"inference-component/{NAME}"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)
    following = only(stack, "ApplicationAutoScaling::ScalingPolicy", PolicyType="TargetTrackingScaling")
    metric = following["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    assert metric == {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}
    waking = only(stack, "ApplicationAutoScaling::ScalingPolicy", PolicyType="StepScaling")
    (step,) = waking["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert step == {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    alarm = stack.only("CloudWatch::Alarm")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("NoCapacityInvocationFailures", 1)
    assert alarm["Dimensions"] == [{"Name": "InferenceComponentName", "Value": NAME}]
    (policy,) = alarm["AlarmActions"]
    assert stack.template["Resources"][policy["Ref"]]["Properties"] == waking


def test_copies_wait_between_scalings_as_the_file_says(repository, tmp_path, stack):
    def cooldowns(of) -> tuple[int, int]:
        following = only(of, "ApplicationAutoScaling::ScalingPolicy", PolicyType="TargetTrackingScaling")
        tracking = following["TargetTrackingScalingPolicyConfiguration"]
        return tracking["ScaleOutCooldown"], tracking["ScaleInCooldown"]

    assert cooldowns(stack) == (60, 300)
    repository.edit(ZERO, f"scale_out_cooldown_s = 30\nscale_in_cooldown_s = 600\n{ZERO}")
    assert cooldowns(synthesize("prod", tmp_path / "other", repository.root).part("cat-breeds")) == (30, 600)


def test_the_log_group_is_a_components(stack):
    groups = {group.get("LogGroupName") for group in stack.properties("Logs::LogGroup")}
    assert f"/aws/sagemaker/InferenceComponents/{NAME}" in groups
    assert f"/aws/sagemaker/Endpoints/{NAME}" not in groups
    written = {resource for action, resource in allowed(stack, "sagemaker") if action == "logs:PutLogEvents"}
    assert any(resource.endswith(f":log-group:/aws/sagemaker/InferenceComponents/{NAME}:*") for resource in written)


def test_it_is_measured_and_watched_by_the_components_name(repository, tmp_path, stack):
    (metrics,) = [one for one in statements(stack) if one["Action"] == "cloudwatch:PutMetricData"]
    namespaces = ["/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"]
    assert metrics["Condition"]["StringEquals"] == {"cloudwatch:namespace": namespaces}
    watch = synthesize("prod", tmp_path / "watched", repository.root).watch
    (slow,) = [one for one in watch.properties("CloudWatch::Alarm") if one["AlarmName"] == f"{NAME}-slow"]
    assert slow["Dimensions"] == [{"Name": "InferenceComponentName", "Value": NAME}]
    shown = said(watch.only("CloudWatch::Dashboard")["DashboardBody"])
    assert f'"GPUUtilizationNormalized", "InferenceComponentName", "{NAME}"' in shown
    assert f'"Invocations", "EndpointName", "{NAME}"' not in shown


def test_the_proxy_may_ask_the_component_and_knows_its_name(assembly):
    asked = {resource.rpartition(":")[2] for action, resource in allowed(assembly.api) if "InvokeEndpoint" in action}
    assert {f"endpoint/{NAME}", f"inference-component/{NAME}"} <= asked
    (folder,) = [
        assembly.folder / asset["source"]["path"]
        for asset in assembly.api.assets["files"].values()
        if asset.get("displayName") == "proxy"
    ]
    targets = json.loads((folder / "registry.json").read_text())["targets"]["cat-breeds"]
    assert targets["gpu"] == {"service": "sagemaker", "name": NAME, "component": NAME}
    assert "component" not in targets["serverless"]


def test_the_rehearsals_account_takes_the_scaling_of_a_component(stack):
    target = _scalable_target(stack.only("ApplicationAutoScaling::ScalableTarget"), "123456789012", "us-east-1")
    for policy in stack.properties("ApplicationAutoScaling::ScalingPolicy"):
        made = _scaling_policy(policy | {"ScalingTargetId": target["Ref"]}, "123456789012", "us-east-1")
        assert policy["PolicyName"] in made["Ref"]
