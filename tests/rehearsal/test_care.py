"""moto's CloudFormation takes what no shipped model asks for: every table that an endpoint can have, deployed."""

import json

import pytest

from local.endpoint import free_port
from rehearsal.__main__ import moto
from rehearsal.checks import Account, resources
from tests.models.conftest import Repository
from tests.stacks.assembly import synthesize
from tests.stacks.conftest import copy_rooms

TABLES = """
[endpoints.serverless]
kind = "serverless"
max_concurrency = 5
provisioned_concurrency = 1
max_provisioned_concurrency = 3

[endpoints.zero]
kind = "realtime"
instance_type = "ml.g5.xlarge"
max_instances = 2
scale_to_zero = true
component = { memory_mb = 1024 }

[endpoints.cpu]
kind = "realtime"
instance_type = "ml.c7i.large"
max_instances = 2
rollout = { shift = "all-at-once" }
variants.big = { instance_type = "ml.c7i.xlarge", max_instances = 2 }
data_capture = { bucket = "captured", percent = 5 }
vpc = { subnet_ids = ["subnet-0a1b2c3d"], security_group_ids = ["sg-0a1b2c3d"] }

[endpoints.shadowed]
kind = "realtime"
instance_type = "ml.c7i.large"
variants.shade = { instance_type = "ml.c7i.xlarge", shadow_percent = 10 }
"""


@pytest.fixture
def assembly(tmp_path):
    repository = Repository(tmp_path / "fovea")
    copy_rooms(repository.root)
    file = repository.model / "model.toml"
    spec = file.read_text()
    file.write_text(spec[: spec.index("[endpoints.")] + TABLES)
    return synthesize("beta", tmp_path / "out", repository.root)


def test_every_table_of_an_endpoint_deploys(assembly):
    port = free_port()
    with moto(port, assembly.folder) as without_effect:
        account = Account(f"http://127.0.0.1:{port}")
        stack = assembly.part("cat-breeds")
        account.client("cloudformation").create_stack(
            StackName=stack.name, TemplateBody=json.dumps(stack.template), Capabilities=["CAPABILITY_IAM"]
        )
        made = [given for kind, given in resources(assembly.folder) if kind == "AWS::SageMaker::Endpoint"]
        assert account.endpoints() == {given["EndpointName"]: "InService" for given in made}
        assert account.scaling_targets() == {
            "endpoint/fovea-beta-cat-breeds-serverless/variant/AllTraffic": (1, 3),
            "inference-component/fovea-beta-cat-breeds-zero": (0, 2),
            "endpoint/fovea-beta-cat-breeds-cpu/variant/AllTraffic": (1, 2),
            "endpoint/fovea-beta-cat-breeds-cpu/variant/big": (1, 2),
        }
        assert account.scaling_policies() == set(account.scaling_targets())
    assert "AWS::SageMaker::InferenceComponent" in without_effect
