"""Several models behind one endpoint: who answers how much, on what, and who watches."""

import json
import shutil

import pytest

from local.assembly import Assembly as LocalAssembly
from models.spec import SpecError
from tests.stacks.assembly import said, synthesize
from tests.stacks.test_permissions import allowed

NAME = "fovea-prod-cat-breeds-gpu"
INSTANCES = "max_instances = 4\n"
CHALLENGER = '[endpoints.gpu.variants.challenger]\nartifact = "other"\n'


@pytest.fixture
def deploy(repository, tmp_path):
    """The prod stage, which bounds no instances, when the endpoint on instances has `lines` in its table."""
    shutil.copytree(repository.model / "artifact", repository.model / "other")
    (repository.model / "other" / "note.txt").write_text("trained otherwise")

    def deployed(lines: str):
        repository.edit(INSTANCES, INSTANCES + lines)
        return synthesize("prod", tmp_path / "out", repository.root)

    return deployed


def config_of(stack) -> dict:
    (endpoint,) = [each for each in stack.properties("SageMaker::Endpoint") if each["EndpointName"] == NAME]
    return stack.template["Resources"][said(endpoint["EndpointConfigName"])[2:].partition(".")[0]]["Properties"]


def archive_of(stack, variant: dict) -> str:
    model = stack.template["Resources"][said(variant["ModelName"])[2:].partition(".")[0]]["Properties"]
    return said(model["PrimaryContainer"]["ModelDataUrl"])


def test_each_has_its_share_its_instances_and_its_archive(deploy):
    stack = deploy(
        f'weight = 9\n{CHALLENGER}instance_type = "ml.g6.xlarge"\nmin_instances = 2\nmax_instances = 3\n'
    ).part("cat-breeds")
    own, challenger = config_of(stack)["ProductionVariants"]
    assert (own["VariantName"], own["InitialVariantWeight"]) == ("AllTraffic", 9)
    assert (challenger["VariantName"], challenger["InitialVariantWeight"]) == ("challenger", 1)
    assert (challenger["InstanceType"], challenger["InitialInstanceCount"]) == ("ml.g6.xlarge", 2)
    archives = {archive_of(stack, own), archive_of(stack, challenger)}
    assert len(archives) == 2
    read = {resource for action, resource in allowed(stack, "sagemaker") if action == "s3:GetObject"}
    assert read == {archive.replace("s3://", "arn:${AWS::Partition}:s3:::") for archive in archives}


def test_each_scales_by_itself_and_an_update_takes_its_share_from_the_file(deploy):
    stack = deploy(CHALLENGER + "max_instances = 3\n").part("cat-breeds")
    targets = {
        target["ResourceId"]: (target["MinCapacity"], target["MaxCapacity"])
        for target in stack.properties("ApplicationAutoScaling::ScalableTarget")
    }
    assert targets == {f"endpoint/{NAME}/variant/AllTraffic": (1, 4), f"endpoint/{NAME}/variant/challenger": (1, 3)}
    (endpoint,) = [each for each in stack.properties("SageMaker::Endpoint") if each["EndpointName"] == NAME]
    assert endpoint["RetainAllVariantProperties"] is True
    assert endpoint["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DesiredWeight"}]


def test_each_keeps_the_endpoints_target_and_cooldowns(deploy):
    keys = "target_invocations_per_instance = 70\nscale_out_cooldown_s = 0\nscale_in_cooldown_s = 900\n"
    stack = deploy(f"{keys}{CHALLENGER}max_instances = 3\n").part("cat-breeds")
    policies = stack.properties("ApplicationAutoScaling::ScalingPolicy")
    tracking = [policy["TargetTrackingScalingPolicyConfiguration"] for policy in policies]
    kept = [(each["TargetValue"], each["ScaleOutCooldown"], each["ScaleInCooldown"]) for each in tracking]
    assert kept == [(70, 0, 900)] * 2


def test_a_shadow_answers_nobody_and_sees_its_part(deploy):
    config = config_of(deploy(f"weight = 2\n{CHALLENGER}shadow_percent = 20\n").part("cat-breeds"))
    (own,) = config["ProductionVariants"]
    (shadow,) = config["ShadowProductionVariants"]
    assert shadow["InitialVariantWeight"] / own["InitialVariantWeight"] == pytest.approx(0.2)


def test_each_is_watched_by_its_own_name(deploy):
    watch = deploy(CHALLENGER).watch
    slow = [alarm for alarm in watch.properties("CloudWatch::Alarm") if alarm["AlarmName"].endswith("-slow")]
    watched = {
        alarm["AlarmName"]: {one["Name"]: one["Value"] for one in alarm["Dimensions"]}.get("VariantName")
        for alarm in slow
    }
    assert watched[f"{NAME}-slow"] == "AllTraffic"
    assert watched[f"{NAME}-challenger-slow"] == "challenger"
    shown = json.loads(said(watch.only("CloudWatch::Dashboard")["DashboardBody"]))["widgets"]
    titles = [widget["properties"]["markdown"] for widget in shown if widget["type"] == "text"]
    assert "## cat-breeds: gpu (realtime), challenger" in titles


def test_a_rollout_watches_all_who_answer(deploy):
    stack = deploy(f'{CHALLENGER}[endpoints.gpu.rollout]\nshift = "all-at-once"\n').part("cat-breeds")
    alarms = {alarm["AlarmName"] for alarm in stack.properties("CloudWatch::Alarm")}
    variants = (NAME, f"{NAME}-challenger")
    assert alarms == {f"{each}-rollout-{how}" for each in variants for how in ("failing", "slow")}
    seen = {resource.rpartition(":")[2] for action, resource in allowed(stack) if "DescribeAlarms" in action}
    assert seen == alarms


def test_the_local_run_serves_the_model_itself_and_knows_of_the_others(deploy, tmp_path):
    deploy(f"{CHALLENGER}shadow_percent = 20\n")
    (endpoint,) = [each for each in LocalAssembly(tmp_path / "out").endpoints() if each.name == NAME]
    assert endpoint.others == ["challenger"]


def test_a_variant_is_not_called_as_another_endpoint_is(deploy):
    other = '[endpoints.gpu-challenger]\nkind = "lambda"\n'
    with pytest.raises(SpecError, match=r"fovea-prod-cat-breeds-gpu-challenger is an endpoint of .* too"):
        deploy(CHALLENGER + other)
