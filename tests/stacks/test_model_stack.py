"""What a model's stack deploys to SageMaker, against what its model.toml asks for and its stage allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contract.limits import TIMEOUTS
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint
from models.realtime import RealtimeEndpoint
from models.registry import Model, load_models
from models.spec import ENDPOINT_NAME_MAX
from stacks.instances import at_most
from stacks.naming import endpoint_name
from stacks.stage import STAGES
from tests.stacks.assembly import Assembly, Stack, said, synthesize


@dataclass(frozen=True)
class Deployed:
    """One endpoint: what was asked for, and what is in the template."""

    settings: ServerlessEndpoint | RealtimeEndpoint | AsyncEndpoint
    stack: Stack
    name: str
    logical_id: str

    @property
    def resource(self) -> dict[str, Any]:
        return self.stack.template["Resources"][self.logical_id]

    def _referred(self, value: Any) -> dict[str, Any]:
        return self.stack.template["Resources"][said(value)[2:].partition(".")[0]]["Properties"]

    @property
    def config(self) -> dict[str, Any]:
        return self._referred(self.resource["Properties"]["EndpointConfigName"])

    @property
    def variant(self) -> dict[str, Any]:
        (variant,) = self.config["ProductionVariants"]
        return variant

    @property
    def model(self) -> dict[str, Any]:
        return self._referred(self.variant["ModelName"])


def deployed(assembly: Assembly, stage: str, models: list[Model]) -> Iterator[Deployed]:
    for model in models:
        stack = assembly.part(model.spec.name)
        by_name = {
            resource["Properties"]["EndpointName"]: logical_id
            for logical_id, resource in stack.resources("SageMaker::Endpoint")
        }
        for endpoint, settings in model.spec.endpoints.items():
            if isinstance(settings, LambdaEndpoint):
                continue
            name = endpoint_name(STAGES[stage], model.spec, endpoint)
            yield Deployed(settings, stack, name, by_name.pop(name))
        assert not by_name


@pytest.fixture
def endpoints(stages):
    models = {stage: at_most(load_models(), STAGES[stage].most_instances) for stage in stages}
    return [endpoint for stage in stages for endpoint in deployed(stages[stage], stage, list(models[stage]))]


@pytest.fixture
def serverless(endpoints):
    return [endpoint for endpoint in endpoints if isinstance(endpoint.settings, ServerlessEndpoint)]


@pytest.fixture
def realtime(endpoints):
    return [endpoint for endpoint in endpoints if isinstance(endpoint.settings, RealtimeEndpoint)]


def test_only_the_endpoint_has_a_name(endpoints):
    for endpoint in endpoints:
        assert len(endpoint.name) <= ENDPOINT_NAME_MAX
        assert "ModelName" not in endpoint.model
        assert "EndpointConfigName" not in endpoint.config


def test_the_container_gives_up_before_the_proxy_does(serverless, realtime):
    for endpoint in [*serverless, *realtime]:
        environment = endpoint.model["PrimaryContainer"]["Environment"]
        assert environment == {"MODEL_SERVER_TIMEOUT": str(TIMEOUTS.container_s)}


def test_serverless_has_memory_and_concurrency_and_no_isolation_network_or_instance(serverless):
    for endpoint in serverless:
        assert endpoint.variant["ServerlessConfig"] == {
            "MemorySizeInMB": endpoint.settings.memory_mb,
            "MaxConcurrency": endpoint.settings.max_concurrency,
        }
        assert not {"EnableNetworkIsolation", "VpcConfig"} & set(endpoint.model)
        assert not {"InstanceType", "InitialInstanceCount", "InferenceAmiVersion"} & set(endpoint.variant)


def test_realtime_is_cut_off_from_the_network(realtime):
    for endpoint in realtime:
        assert endpoint.model["EnableNetworkIsolation"] is True
        assert endpoint.variant["InstanceType"] == endpoint.settings.instance_type
        assert endpoint.variant["InitialInstanceCount"] == endpoint.settings.min_instances


def test_a_gpu_gets_a_driver_that_its_image_can_use_and_a_cpu_none(realtime):
    for endpoint in realtime:
        expected = "al2-ami-sagemaker-inference-gpu-3-1" if endpoint.settings.is_gpu else None
        assert endpoint.variant.get("InferenceAmiVersion") == expected


def test_realtime_follows_its_load_between_its_bounds(realtime):
    for endpoint in realtime:
        resource_id = f"endpoint/{endpoint.name}/variant/AllTraffic"
        resources = endpoint.stack.template["Resources"]
        targets = [
            (logical_id, resource)
            for logical_id, resource in endpoint.stack.resources("ApplicationAutoScaling::ScalableTarget")
            if resource["Properties"]["ResourceId"] == resource_id
        ]
        scales = endpoint.settings.max_instances > endpoint.settings.min_instances
        assert len(targets) == scales
        assert endpoint.resource["Properties"].get("RetainAllVariantProperties", False) is scales
        for logical_id, target in targets:
            assert target["DependsOn"] == [endpoint.logical_id]
            assert target["Properties"]["MinCapacity"] == endpoint.settings.min_instances
            assert target["Properties"]["MaxCapacity"] == endpoint.settings.max_instances
            (policy,) = [r for r in resources.values() if r["Properties"].get("ScalingTargetId") == {"Ref": logical_id}]
            tracking = policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
            metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
            assert metric == "SageMakerVariantInvocationsPerInstance"
            assert tracking["TargetValue"] == endpoint.settings.target_invocations_per_instance
            assert 0 < tracking["ScaleOutCooldown"] < tracking["ScaleInCooldown"]


def test_the_log_group_is_there_before_the_endpoint_that_writes_it(endpoints):
    for endpoint in endpoints:
        awaited = [endpoint.stack.template["Resources"][name] for name in endpoint.resource["DependsOn"]]
        (group,) = [resource["Properties"] for resource in awaited if resource["Type"] == "AWS::Logs::LogGroup"]
        assert group["LogGroupName"] == f"/aws/sagemaker/Endpoints/{endpoint.name}"


def test_a_model_waits_for_its_role_with_the_policy_inside(endpoints):
    for endpoint in endpoints:
        role = endpoint.stack.template["Resources"][said(endpoint.model["ExecutionRoleArn"])[2:].partition(".")[0]]
        assert role["Type"] == "AWS::IAM::Role"
        assert role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]


def test_there_is_one_image_for_each_kind_of_processor_and_one_for_functions(assembly):
    for model in load_models():
        stack = assembly.part(model.spec.name)
        images = [image["source"] for image in stack.assets["dockerImages"].values()]
        built_for = {
            (source["dockerBuildArgs"].get("ACCELERATOR", "cpu"), source.get("dockerBuildTarget")) for source in images
        }
        endpoints = model.spec.endpoints.values()
        assert len(built_for) == len(images)
        assert built_for == {
            ("gpu" if e.is_gpu else "cpu", "lambda" if e.kind == "lambda" else None) for e in endpoints
        }
        for source in images:
            assert source["platform"] == "linux/amd64"
            assert source["dockerFile"] == "containers/Dockerfile"
            assert source["dockerBuildArgs"]["CONTAINER"] == model.spec.model.container


def test_an_output_names_each_endpoint(endpoints):
    for endpoint in endpoints:
        assert endpoint.name in [output["Value"] for output in endpoint.stack.template["Outputs"].values()]


def test_an_endpoint_that_does_not_scale_and_one_without_a_gpu(repository, tmp_path):
    repository.edit('instance_type = "ml.g5.xlarge"\nmax_instances = 4', 'instance_type = "ml.c7i.large"')
    stack = synthesize("beta", tmp_path / "out", repository.root).part("cat-breeds")
    assert not [kind for kind in stack.kinds if kind.startswith("ApplicationAutoScaling")]
    assert "InferenceAmiVersion" not in str(stack.template)
    assert len(stack.assets["dockerImages"]) == 1
    assert len(stack.properties("SageMaker::Endpoint")) == 2


def test_a_graviton_instance_gets_an_image_of_its_own_architecture(repository, tmp_path):
    repository.edit(
        'instance_type = "ml.g5.xlarge"\nmax_instances = 4', 'instance_type = "ml.c7g.large"\narchitecture = "arm64"'
    )
    stack = synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")
    images = {image["displayName"]: image["source"] for image in stack.assets["dockerImages"].values()}
    platforms = {name: source["platform"] for name, source in images.items()}
    assert platforms == {"savedmodel (cpu)": "linux/amd64", "savedmodel (cpu, arm64)": "linux/arm64"}
    tags = {key for key, image in stack.assets["dockerImages"].items() if image["displayName"].endswith("arm64)")}
    models = [said(model["PrimaryContainer"]["Image"]) for model in stack.properties("SageMaker::Model")]
    assert [any(tag in image for tag in tags) for image in models] == [False, True]
