"""Servers that a serverless endpoint keeps started, and how many."""

import pytest

from rehearsal.gaps import _scalable_target
from tests.stacks.assembly import synthesize

MEMORY = "memory_mb = 2048\n"
ENDPOINT = "endpoint/fovea-dev-cat-breeds-serverless/variant/AllTraffic"


@pytest.fixture
def deploy(repository, tmp_path):
    """The model's stack with `lines` in the table of its serverless endpoint."""

    def deployed(*lines: str):
        repository.edit(MEMORY, MEMORY + "".join(f"{line}\n" for line in lines))
        return synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")

    return deployed


def serverless(stack) -> dict:
    variants = (config["ProductionVariants"][0] for config in stack.properties("SageMaker::EndpointConfig"))
    (found,) = [variant["ServerlessConfig"] for variant in variants if "ServerlessConfig" in variant]
    return found


def targets(stack) -> list[dict]:
    return [
        each for each in stack.properties("ApplicationAutoScaling::ScalableTarget") if each["ResourceId"] == ENDPOINT
    ]


def test_a_fixed_number_does_not_scale(deploy):
    stack = deploy("provisioned_concurrency = 2")
    assert serverless(stack) == {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}
    assert not targets(stack)


def test_a_range_follows_how_busy_they_are(deploy):
    stack = deploy("provisioned_concurrency = 2", "max_provisioned_concurrency = 4")
    assert serverless(stack)["ProvisionedConcurrency"] == 2
    (target,) = targets(stack)
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    tracked = [
        policy["TargetTrackingScalingPolicyConfiguration"]
        for policy in stack.properties("ApplicationAutoScaling::ScalingPolicy")
    ]
    (tracking,) = [one for one in tracked if "Provisioned" in str(one["PredefinedMetricSpecification"])]
    metric = "SageMakerVariantProvisionedConcurrencyUtilization"
    assert tracking["PredefinedMetricSpecification"] == {"PredefinedMetricType": metric}
    assert 0 < tracking["TargetValue"] < 1
    assert _scalable_target(target, "123456789012", "us-east-1")["Ref"]
