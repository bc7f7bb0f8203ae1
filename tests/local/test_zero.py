"""An endpoint that scales to zero, on this machine: refused, started, answered, and stopped again."""

import pytest
from botocore.exceptions import ClientError

from experiments.local_run import start_local, wait_until
from tests.local_run import PREDICT, Caller

ZERO = "scale_to_zero = true\ntarget_invocations_per_instance = 600\n[endpoints.gpu.component]\nmemory_mb = 1024\n"
VARIANTS = """
[endpoints.cpu]
kind = "realtime"
instance_type = "ml.c7i.large"
variants.big = { instance_type = "ml.c7i.xlarge" }
"""
NAME = "fovea-dev-diabetic-retinopathy-gpu"


@pytest.fixture(scope="module")
def at_zero(copy, tmp_path_factory):
    file = copy / "models" / "diabetic_retinopathy" / "model.toml"
    spec = file.read_text()
    gpu = spec.index("[endpoints.gpu]")
    instance = '[endpoints.gpu]\nkind = "realtime"\ninstance_type = "ml.g5.xlarge"\n'
    file.write_text(spec[:gpu] + instance + ZERO + VARIANTS)
    with start_local(tmp_path_factory.mktemp("zero"), "--idle-s=2", root=copy) as started:
        yield Caller(started)


def gpu(caller, fundus):
    return caller.predict(fundus, path=f"{PREDICT}?endpoint=gpu")


def test_the_first_call_is_refused_and_brings_a_copy_and_idling_takes_it_away(at_zero, fundus):
    for _ in range(2):
        assert not at_zero.servers()
        refused = gpu(at_zero, fundus)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "MODEL_NOT_READY")
        assert refused.headers["retry-after"] == "60"
        assert wait_until(lambda: gpu(at_zero, fundus).status_code == 200, 60)
        assert at_zero.servers()
        assert wait_until(lambda: not at_zero.servers())


def test_boto3_is_told_in_sagemakers_words(at_zero, fundus):
    request = {"EndpointName": NAME, "Body": fundus, "ContentType": "image/jpeg"}
    with pytest.raises(ClientError, match="Inference Component Name is missing"):
        at_zero.sagemaker().invoke_endpoint(**request)
    assert wait_until(lambda: not at_zero.servers())
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Inference Component has no capacity to process this"):
        at_zero.sagemaker().invoke_endpoint(**request, InferenceComponentName=NAME)
    assert wait_until(lambda: gpu(at_zero, fundus).status_code == 200, 60)


def test_the_serverless_endpoint_beside_it_waits_for_its_server_instead(at_zero, fundus):
    assert at_zero.predict(fundus).status_code == 200


def test_what_is_served_of_an_endpoint_with_variants_is_said(at_zero, fundus):
    said = "(on ml.c7i.large in AWS, on this CPU here; without its variants big)"
    assert f"fovea-dev-diabetic-retinopathy-cpu  {said}" in at_zero.said
    assert at_zero.predict(fundus, path=f"{PREDICT}?endpoint=cpu").status_code == 200
