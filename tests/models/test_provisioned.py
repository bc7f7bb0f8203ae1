"""How many servers a serverless endpoint may keep started."""

import pytest

from models.registry import load_models
from tests.models.test_endpoints import GPU, fault_of, instance, web

TABLE = '[endpoints.warm]\nkind = "serverless"\nmax_concurrency = 5\n'
REFUSALS = [
    ("provisioned_concurrency = 0", "provisioned_concurrency: Input should be greater than or equal to 1"),
    ("provisioned_concurrency = 6", "provisioned_concurrency: 6 is above max_concurrency 5; lower it, or raise"),
    (
        "provisioned_concurrency = 2\nmax_provisioned_concurrency = 6",
        "max_provisioned_concurrency: 6 is above max_concurrency 5; lower it, or raise that",
    ),
    (
        "provisioned_concurrency = 2\nmax_provisioned_concurrency = 2",
        "max_provisioned_concurrency: 2 is not above provisioned_concurrency 2; raise or remove it",
    ),
    (
        "max_provisioned_concurrency = 2",
        "max_provisioned_concurrency: there is none to begin with; set provisioned_concurrency",
    ),
]


@pytest.mark.parametrize(("lines", "words"), REFUSALS)
def test_no_more_is_kept_than_may_be_served(repository, lines, words):
    assert f"endpoints.warm.{words}" in fault_of(repository, GPU + TABLE + lines + "\n")


@pytest.mark.parametrize("key", ["provisioned_concurrency", "max_provisioned_concurrency"])
def test_only_serverless_keeps_servers(repository, key):
    assert "instances are always on; remove it" in fault_of(repository, instance("ml.g5.xlarge", f"{key} = 1"))
    assert "a Lambda endpoint keeps no servers started; remove it" in fault_of(repository, web(f"{key} = 1"))


def test_as_many_as_may_be_served(repository):
    repository.edit(GPU, GPU + TABLE + "provisioned_concurrency = 4\nmax_provisioned_concurrency = 5\n")
    assert load_models(repository.root)
