"""What an endpoint that scales to zero takes, and what it refuses with which remedy."""

import pytest

from models.registry import load_models
from tests.models.test_endpoints import GPU, fault_of, instance, web

MEMORY = "memory_mb = 1024"
REFUSALS = [
    (
        "scale_to_zero = true",
        "endpoints.gpu.component: is missing; only an inference component scales to zero: add",
    ),
    (
        f"[endpoints.gpu.component]\n{MEMORY}",
        "endpoints.gpu.component: only an endpoint that scales to zero has one; remove it, or set scale_to_zero",
    ),
    (
        f"scale_to_zero = true\nmin_instances = 1\n[endpoints.gpu.component]\n{MEMORY}",
        "endpoints.gpu.min_instances: an endpoint that scales to zero has none at least; remove it",
    ),
    (
        f"scale_to_zero = true\n[endpoints.gpu.rollout]\nshift = 'all-at-once'\n[endpoints.gpu.component]\n{MEMORY}",
        "endpoints.gpu.rollout: an endpoint that may have no instance has none to move requests between; remove it, or",
    ),
    ("scale_to_zero = true\n[endpoints.gpu.component]\nmemory_mb = 127", "greater than or equal to 128"),
    ("scale_to_zero = true\n[endpoints.gpu.component]\n", "endpoints.gpu.component.memory_mb: is missing; add it"),
    (
        f"scale_to_zero = true\n[endpoints.gpu.component]\n{MEMORY}\naccelerators = 2",
        "endpoints.gpu.component.accelerators: a copy of the model uses one GPU where its instance has any; remove it",
    ),
    (f"scale_to_zero = true\n[endpoints.gpu.component]\n{MEMORY}\ncpu_cores = 0.1", "greater than or equal to 0.25"),
    (
        'scale_to_zero = true\nvolume_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/ab-1"\n'
        f"[endpoints.gpu.component]\n{MEMORY}",
        "endpoints.gpu.volume_kms_key_arn: ml.g5.xlarge has local storage",
    ),
]


@pytest.mark.parametrize(("lines", "words"), REFUSALS)
def test_zero_refuses_what_does_not_go_with_it(repository, lines, words):
    assert words in fault_of(repository, instance("ml.g5.xlarge", lines))


def test_a_copy_without_a_gpu_needs_cores(repository):
    zero = ["scale_to_zero = true", "[endpoints.gpu.component]", MEMORY]
    fault = fault_of(repository, instance("ml.c7i.large", *zero))
    assert "endpoints.gpu.component.cpu_cores: is missing; a copy on an instance without a GPU needs some" in fault
    repository.edit(GPU, instance("ml.c7i.large", *zero, "cpu_cores = 1"))
    assert load_models(repository.root)


def test_what_always_scales_to_zero_is_not_told_to(repository):
    fault = fault_of(repository, web("scale_to_zero = true"))
    assert "endpoints.web.scale_to_zero: a Lambda function always does; remove it" in fault
    other = '[endpoints.other]\nkind = "serverless"\nscale_to_zero = true\n'
    fault = fault_of(repository, GPU + other)
    assert "endpoints.other.scale_to_zero: a serverless endpoint always does; remove it" in fault
