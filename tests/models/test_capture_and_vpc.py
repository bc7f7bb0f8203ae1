"""Where requests are kept and instances stand: what is refused, with which remedy."""

import pytest

from models.registry import load_models
from tests.models.test_endpoints import GPU, fault_of, instance, web

BUCKET = 'bucket = "captured-requests"'
SUBNETS, GROUPS = 'subnet_ids = ["subnet-0a1b2c3d"]', 'security_group_ids = ["sg-0a1b2c3d"]'


def capture(*lines: str) -> str:
    return instance("ml.g5.xlarge", "[endpoints.gpu.data_capture]", *lines)


def vpc(*lines: str) -> str:
    return instance("ml.g5.xlarge", "[endpoints.gpu.vpc]", *lines)


C, V = "endpoints.gpu.data_capture", "endpoints.gpu.vpc"
REFUSALS = [
    (capture(BUCKET), f"{C}.percent: is missing; add it"),
    (capture("percent = 5"), f"{C}.bucket: is missing; add it"),
    (
        capture('bucket = "s3://captured"', "percent = 5"),
        f"{C}.bucket: 's3://captured' does not fit; The name of",
    ),
    (capture(BUCKET, 'prefix = "/a/"', "percent = 5"), f"{C}.prefix: '/a/' does not fit; Where in the bucket, without"),
    (capture(BUCKET, "percent = 0"), f"{C}.percent: Input should be greater than or equal to 1"),
    (capture(BUCKET, "percent = 101"), f"{C}.percent: Input should be less than or equal to 100"),
    (capture(BUCKET, "percent = 5", 'what = "all"'), f"{C}.what: Input should be 'both', 'input' or 'output'"),
    (capture(BUCKET, "percent = 5", 'kms_key_arn = "alias/key"'), f"{C}.kms_key_arn: 'alias/key' does not fit"),
    (capture(BUCKET, "percent = 5", 's3_uri = "s3://a/b"'), f"{C}.s3_uri: give the bucket's name as bucket, and"),
    (capture(BUCKET, "percent = 5", "lifecycle = 5"), f"{C}.lifecycle: the bucket is yours, and so is how long"),
    (
        instance(
            "ml.g5.xlarge",
            "scale_to_zero = true",
            "[endpoints.gpu.component]\nmemory_mb = 1024",
            f"[endpoints.gpu.data_capture]\n{BUCKET}\npercent = 5",
        ),
        f"{C}: AWS documents no data capture for inference components; remove it, or scale_to_zero",
    ),
    (vpc(SUBNETS), f"{V}.security_group_ids: is missing; add it"),
    (vpc(GROUPS), f"{V}.subnet_ids: is missing; add it"),
    (vpc("subnet_ids = []", GROUPS), f"{V}.subnet_ids: give 1 to 16 of them, not 0"),
    (vpc('subnet_ids = ["vpc-0a1b2c3d"]', GROUPS), f"{V}.subnet_ids: 'vpc-0a1b2c3d' does not fit; give"),
    (vpc(SUBNETS, GROUPS, 'vpc_id = "vpc-0a1b2c3d"'), f"{V}.vpc_id: the subnets say which VPC it is; remove it"),
    (vpc('subnets = ["subnet-0a1b2c3d"]', SUBNETS, GROUPS), f"{V}.subnets: call it subnet_ids"),
    (
        web("[endpoints.web.data_capture]"),
        "endpoints.web.data_capture: a Lambda function has no data capture; remove it",
    ),
    (web("[endpoints.web.vpc]"), "endpoints.web.vpc: a model needs nothing of the network, so its function has no VPC"),
]


@pytest.mark.parametrize(("tables", "words"), REFUSALS)
def test_names_the_key_and_the_remedy(repository, tables, words):
    assert words in fault_of(repository, tables)


def test_nothing_is_kept_unless_it_is_written(repository):
    (model,) = load_models(repository.root)
    assert model.spec.endpoints["gpu"].data_capture is None
    repository.edit(GPU, capture(BUCKET, "percent = 5"))
    assert load_models(repository.root)[0].spec.endpoints["gpu"].data_capture.what == "both"
