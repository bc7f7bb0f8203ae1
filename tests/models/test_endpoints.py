"""The kinds `async` and `lambda` and the key `architecture`: what each takes, and what it refuses with which remedy."""

import pytest

from contract.limits import BODIES, TIMEOUTS
from models.endpoints import AsyncEndpoint, LambdaEndpoint
from models.registry import load_models, public_description
from models.spec import SpecError
from tests.models.conftest import ASYNC, GPU

WEB = "endpoints.web"


def web(*lines: str) -> str:
    return "\n".join([GPU, "[endpoints.web]", 'kind = "lambda"', *lines])


def instance(type_: str, *lines: str) -> str:
    return "\n".join([GPU.replace("ml.g5.xlarge", type_), *lines])


def fault_of(repository, tables: str) -> str:
    repository.edit(GPU, tables)
    with pytest.raises(SpecError) as caught:
        load_models(repository.root)
    repository.edit(tables, GPU)
    assert load_models(repository.root)
    assert str(caught.value).startswith("models/cat_breeds/model.toml: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


REFUSALS = [
    ('instance_type = "ml.c7i.large"', 'neither instances nor a GPU; remove it, or set kind = "realtime"'),
    ('accelerator = "gpu"', 'has no GPU; remove it, or set kind = "realtime" with a GPU'),
    ("max_concurrency = 5", "to bound it, set reserved_concurrency"),
    ("min_instances = 1", "has no instances; remove it"),
    ("max_instances = 1", "to bound it, set reserved_concurrency"),
    ("target_invocations_per_instance = 5", "scales by itself; remove it"),
    ("scale_out_cooldown_s = 60", "scales by itself; remove it"),
    ("scale_in_cooldown_s = 60", "scales by itself; remove it"),
    ("vpc = {}", "has no VPC; remove it"),
    ("data_capture = {}", "has no data capture; remove it"),
    ('volume_kms_key_arn = "x"', "has no volume to encrypt; remove it"),
    ("colour = 3", "is not a known key; docs/model-toml.md lists them"),
    ("memory_mb = 127", "greater than or equal to 128"),
    ("memory_mb = 10241", "less than or equal to 10240"),
    ("ephemeral_storage_mb = 511", "greater than or equal to 512"),
    ("ephemeral_storage_mb = 10241", "less than or equal to 10240"),
    ("timeout_s = 0", "greater than or equal to 1"),
    ("timeout_s = 901", "less than or equal to 900"),
    ("reserved_concurrency = 0", "greater than or equal to 1"),
    ('auth = "key"', "'iam' or 'none'"),
    ('architecture = "riscv"', "'x86_64' or 'arm64'"),
    ('cors = ["http://example.com"]', "'http://example.com' is no origin; give \"https://\" and a host"),
    ('cors = ["https://example.com/page"]', "is no origin"),
    ('cors = ["https://"]', "is no origin"),
    ('cors = ["*", "https://example.com"]', '"*" is every origin already; remove it, or the others'),
]


@pytest.mark.parametrize(("line", "words"), REFUSALS)
def test_a_function_refuses_what_it_has_not_with_the_key_and_the_remedy(repository, line, words):
    fault = fault_of(repository, web(line))
    assert f"{WEB}.{line.partition(' ')[0]}: " in fault
    assert words in fault


def test_a_function_by_default_is_signed_for_and_gives_up_when_a_container_does(repository):
    repository.edit(GPU, web())
    (model,) = load_models(repository.root)
    settings = model.spec.endpoints["web"]
    assert isinstance(settings, LambdaEndpoint)
    assert (settings.auth, settings.cors, settings.architecture) == ("iam", (), "x86_64")
    assert settings.timeout_s == TIMEOUTS.container_s
    assert settings.reserved_concurrency is None
    assert model.spec.accelerator("web") == "cpu"
    assert public_description(model)["endpoints"][-1] == {"name": "web", "kind": "lambda", "max_body_bytes": 4_500_000}


def test_a_function_takes_everything_at_its_bounds(repository):
    repository.edit(
        GPU,
        web(
            "memory_mb = 10240",
            "ephemeral_storage_mb = 10240",
            "timeout_s = 900",
            'auth = "none"',
            'cors = ["https://example.com", "https://app.example.com:8443"]',
            "reserved_concurrency = 1",
            'architecture = "arm64"',
        ),
    )
    assert load_models(repository.root)


def test_a_function_cannot_hold_a_model_that_is_in_s3(repository):
    repository.edit("version", 'artifact = "s3://bucket/a/model.tar.gz"\nversion')
    assert "endpoints.web: a Lambda function has its model in its image" in fault_of(repository, web())


def test_serverless_has_one_architecture(repository):
    repository.edit("memory_mb = 2048", 'architecture = "arm64"')
    with pytest.raises(SpecError) as caught:
        load_models(repository.root)
    assert "endpoints.serverless.architecture: SageMaker serverless runs x86_64 only; remove it" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "word"),
    [("scale_out_cooldown_s", "no instances to add"), ("scale_in_cooldown_s", "no instances to remove")],
)
def test_serverless_has_no_cooldowns(repository, key, word):
    repository.edit("memory_mb = 2048", f"{key} = 60")
    with pytest.raises(SpecError) as caught:
        load_models(repository.root)
    assert f"endpoints.serverless.{key}: a serverless endpoint has {word}; remove it, or" in str(caught.value)
    repository.edit(f"{key} = 60", "memory_mb = 2048")
    repository.edit(GPU, GPU + f"{key} = 60\n")
    (model,) = load_models(repository.root)
    assert getattr(model.spec.endpoints["gpu"], key) == 60


@pytest.mark.parametrize("type_", ["ml.c7g.large", "ml.c7gd.xlarge", "ml.c6gn.2xlarge", "ml.m8g.large", "ml.t4g.large"])
def test_graviton_and_arm64_go_together(repository, type_):
    fault = fault_of(repository, instance(type_))
    assert f'endpoints.gpu.architecture: {type_} has a Graviton CPU; set architecture = "arm64"' in fault
    repository.edit(GPU, instance(type_, 'architecture = "arm64"'))
    (model,) = load_models(repository.root)
    assert model.spec.endpoints["gpu"].architecture == "arm64"
    assert not model.spec.endpoints["gpu"].is_gpu


@pytest.mark.parametrize(
    ("type_", "lines", "words"),
    [
        ("ml.c7i.large", ['architecture = "arm64"'], "architecture: ml.c7i.large has no Graviton CPU; remove it, or"),
        ("ml.g5.xlarge", ['architecture = "arm64"'], "architecture: ml.g5.xlarge has a GPU, whose frameworks are"),
        ("ml.g5g.xlarge", [], "instance_type: ml.g5g.xlarge has a GPU beside a Graviton CPU"),
        ("ml.g5g.xlarge", ['architecture = "arm64"'], "choose ml.g5 or ml.g6"),
    ],
)
def test_arm64_needs_graviton_and_no_gpu(repository, type_, lines, words):
    assert words in fault_of(repository, instance(type_, *lines))


ASYNC_REFUSALS = [
    ("memory_mb = 2048", "has the memory of its instance_type; remove it"),
    ('accelerator = "gpu"', "the instance_type says whether there is a GPU; remove it"),
    ("max_concurrency = 5", "to bound an instance, set max_concurrent_invocations_per_instance"),
    ("reserved_concurrency = 5", "to bound it, set max_instances"),
    ("target_invocations_per_instance = 5", "follows its queue; set target_backlog_per_instance"),
    ("ephemeral_storage_mb = 512", "has the storage of its instance_type; remove it"),
    ('auth = "none"', 'has no URL of its own; remove it, or set kind = "lambda"'),
    ('cors = ["*"]', 'has no URL of its own; remove it, or set kind = "lambda"'),
    ("colour = 3", "is not a known key; docs/model-toml.md lists them"),
    ("min_instances = -1", "greater than or equal to 0"),
    ("max_instances = 0", "greater than or equal to 1"),
    ("min_instances = 2", "2 is above max_instances 1; lower it, or raise max_instances"),
    ("target_backlog_per_instance = 0", "greater than or equal to 1"),
    ("scale_out_cooldown_s = -1", "greater than or equal to 0"),
    ("scale_in_cooldown_s = 3601", "less than or equal to 3600"),
    ("max_concurrent_invocations_per_instance = 0", "greater than or equal to 1"),
    ("max_concurrent_invocations_per_instance = 1001", "less than or equal to 1000"),
    ("timeout_s = 0", "greater than or equal to 1"),
    ("timeout_s = 3601", "less than or equal to 3600"),
    ('volume_kms_key_arn = "x"', "'x' does not fit; ARN of the storage volume's KMS key"),
    ('architecture = "arm64"', "ml.c7i.large has no Graviton CPU; remove it, or"),
]


@pytest.mark.parametrize(("line", "words"), ASYNC_REFUSALS)
def test_a_queue_refuses_what_it_has_not_with_the_key_and_the_remedy(repository, line, words):
    fault = fault_of(repository, GPU + ASYNC + line)
    assert f"endpoints.jobs.{line.partition(' ')[0]}: " in fault
    assert words in fault


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('instance_type = "ml.c7i.large"', "", "endpoints.jobs.instance_type: is missing; add it"),
        ("ml.c7i.large", "c7i.large", "endpoints.jobs.instance_type: 'c7i.large' does not fit; A SageMaker hosting"),
        ("ml.c7i.large", "ml.c7g.large", 'has a Graviton CPU; set architecture = "arm64"'),
        (
            "ml.c7i.large",
            'ml.g5.xlarge"\nvolume_kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd',
            "volume_kms_key_arn: ml.g5.xlarge has local storage, which encrypts itself and takes no key",
        ),
    ],
)
def test_a_queue_checks_its_instances_as_a_real_time_endpoint_does(repository, old, new, words):
    assert words in fault_of(repository, GPU + ASYNC.replace(old, new))


def test_a_queue_by_default_sleeps_and_takes_what_is_uploaded(repository):
    repository.edit(GPU, ASYNC)
    (model,) = load_models(repository.root)
    settings = model.spec.endpoints["jobs"]
    assert isinstance(settings, AsyncEndpoint)
    assert (settings.min_instances, settings.max_instances, settings.target_backlog_per_instance) == (0, 1, 5)
    assert (settings.timeout_s, settings.max_concurrent_invocations_per_instance) == (900, None)
    assert settings.scales
    assert model.spec.accelerator("jobs") == "cpu"
    listed = public_description(model)["endpoints"][-1]
    assert listed == {"name": "jobs", "kind": "async", "max_body_bytes": BODIES.upload}


def test_a_queue_may_run_on_a_gpu(repository):
    repository.edit(GPU, ASYNC.replace("ml.c7i.large", "ml.g5.xlarge"))
    (model,) = load_models(repository.root)
    assert model.spec.accelerator("jobs") == "gpu"


def test_the_default_is_the_first_that_answers_at_once(repository):
    serverless = '[endpoints.serverless]\nkind = "serverless"\nmemory_mb = 2048\n'
    repository.edit(serverless, ASYNC)
    (model,) = load_models(repository.root)
    assert list(model.spec.endpoints) == ["jobs", "gpu"]
    assert model.spec.default_endpoint == "gpu"
    repository.edit(GPU, "")
    (model,) = load_models(repository.root)
    assert list(model.spec.endpoints) == ["jobs"]
    assert model.spec.default_endpoint == "jobs"
