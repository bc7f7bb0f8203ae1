"""What is kept and where instances stand, and that the role may do exactly that."""

import pytest

from tests.stacks.assembly import said, synthesize
from tests.stacks.test_permissions import allowed

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CAPTURE = '[endpoints.gpu.data_capture]\nbucket = "captured"\nprefix = "cats/raw"\npercent = 5\n'
VPC = '[endpoints.gpu.vpc]\nsubnet_ids = ["subnet-0a1b2c3d"]\nsecurity_group_ids = ["sg-0a1b2c3d"]\n'
ZERO = "scale_to_zero = true\n[endpoints.gpu.component]\nmemory_mb = 1024\n"
INSTANCES = "max_instances = 4\n"


@pytest.fixture
def deploy(repository, tmp_path):
    """The model's stack when its endpoint on instances has these tables."""

    def deployed(tables: str):
        repository.edit(INSTANCES, INSTANCES + tables)
        return synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")

    return deployed


def configs(stack, key: str) -> list:
    return [config[key] for config in stack.properties("SageMaker::EndpointConfig") if key in config]


def test_a_part_of_both_is_kept_below_the_prefix_and_nothing_else_is_granted(deploy):
    stack = deploy(CAPTURE)
    (capture,) = configs(stack, "DataCaptureConfig")
    assert capture["DestinationS3Uri"] == "s3://captured/cats/raw"
    assert capture["InitialSamplingPercentage"] == 5
    assert [option["CaptureMode"] for option in capture["CaptureOptions"]] == ["Input", "Output"]
    assert "KmsKeyId" not in capture
    written = {resource for action, resource in allowed(stack, "sagemaker") if action.startswith("s3:Put")}
    assert written == {"arn:${AWS::Partition}:s3:::captured/cats/raw/*"}
    assert not stack.properties("S3::Bucket")


def test_a_key_encrypts_what_is_kept(deploy):
    stack = deploy(f'{CAPTURE}what = "input"\nkms_key_arn = "{KEY}"\n')
    (capture,) = configs(stack, "DataCaptureConfig")
    assert (capture["KmsKeyId"], capture["CaptureOptions"]) == (KEY, [{"CaptureMode": "Input"}])
    assert {("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)} <= allowed(stack, "sagemaker")


def test_instances_stand_in_the_subnets_and_the_role_makes_interfaces_there(deploy):
    stack = deploy(VPC)
    (network,) = [model["VpcConfig"] for model in stack.properties("SageMaker::Model") if "VpcConfig" in model]
    assert network == {"Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    made = {
        resource.rpartition(":")[2] for action, resource in allowed(stack) if action == "ec2:CreateNetworkInterface"
    }
    assert made == {"network-interface/*", "subnet/subnet-0a1b2c3d", "security-group/sg-0a1b2c3d"}
    everywhere = {action for action, resource in allowed(stack) if action.startswith("ec2:") and resource == "*"}
    assert all(action.startswith("ec2:Describe") for action in everywhere)


def test_a_component_has_its_network_from_the_endpoint(deploy):
    stack = deploy(ZERO + VPC)
    assert not [model for model in stack.properties("SageMaker::Model") if "VpcConfig" in model]
    (network,) = configs(stack, "VpcConfig")
    assert said(network["Subnets"][0]) == "subnet-0a1b2c3d"


def test_without_the_tables_there_is_neither(repository, tmp_path):
    stack = synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")
    assert not configs(stack, "DataCaptureConfig")
    assert not [action for action, _ in allowed(stack) if action.startswith(("ec2:", "s3:Put"))]
