"""What an update's rollout takes, and what it refuses with which remedy."""

import pytest

from contract.limits import TIMEOUTS
from models.registry import load_models
from models.rollout import Rollout
from tests.models.test_endpoints import GPU, WEB, fault_of, instance, web

SERVERLESS = '[endpoints.serverless]\nkind = "serverless"\n'


def rollout(*lines: str, instances: int = 2) -> str:
    return instance("ml.g5.xlarge", f"min_instances = {instances}", "[endpoints.gpu.rollout]", *lines)


REFUSALS = [
    ("alarms = false", "rollout.alarms: the alarms are what calls an update off, so they come with it; remove it"),
    ('shift = "blue"', "rollout.shift: Input should be 'canary', 'linear' or 'all-at-once'"),
    ("step_percent = 0", "rollout.step_percent: Input should be greater than or equal to 1"),
    ("step_percent = 51", "rollout.step_percent: Input should be less than or equal to 50"),
    ('shift = "linear"\nstep_percent = 9', "rollout.step_percent: linear takes 10 to 50, not 9; raise it"),
    ('shift = "all-at-once"\nstep_percent = 50', "rollout.step_percent: all-at-once has one step; remove it, or"),
    (
        "step_percent = 30",
        "step_percent: 30 % of min_instances = 2 is no whole instance; set min_instances = 4 or more",
    ),
    ("wait_s = 179", "rollout.wait_s: Input should be greater than or equal to 180"),
    ("wait_s = 3601", "rollout.wait_s: Input should be less than or equal to 3600"),
    ("termination_wait_s = 3601", "rollout.termination_wait_s: Input should be less than or equal to 3600"),
    ("timeout_s = 599", "rollout.timeout_s: Input should be greater than or equal to 600"),
    ("timeout_s = 28801", "rollout.timeout_s: Input should be less than or equal to 28800"),
    ("timeout_s = 600", "rollout.timeout_s: the waits alone take 600 s, and an update is given up after 600; lower"),
    ("failing_percent = 0", "rollout.failing_percent: Input should be greater than 0"),
    ("failing_percent = 100", "rollout.failing_percent: Input should be less than 100"),
    ("slow_s = 0", "rollout.slow_s: Input should be greater than 0"),
    ("slow_s = 24", "rollout.slow_s: Input should be less than 24"),
    ("colour = 3", "rollout.colour: is not a known key; docs/model-toml.md lists them"),
]


@pytest.mark.parametrize(("lines", "words"), REFUSALS)
def test_a_rollout_refuses_what_does_not_protect(repository, lines, words):
    fault = fault_of(repository, rollout(lines))
    assert "endpoints.gpu.rollout." in fault
    assert words in fault


def test_a_share_of_one_instance_cannot_be_moved(repository):
    fault = fault_of(repository, rollout('shift = "canary"', instances=1))
    assert "50 % of min_instances = 1 is no whole instance; set min_instances = 2 or more, or set rollout" in fault
    repository.edit(GPU, rollout('shift = "all-at-once"', instances=1))
    assert load_models(repository.root)


def test_only_instances_have_a_rollout(repository):
    fault = fault_of(repository, web("[endpoints.web.rollout]"))
    assert f"{WEB}.rollout: a Lambda function has no rollout; remove it" in fault
    fault = fault_of(repository, GPU + SERVERLESS.replace("serverless]", "other]") + "[endpoints.other.rollout]\n")
    assert "endpoints.other.rollout: SageMaker shifts no traffic between serverless configurations; remove it" in fault


def test_an_update_has_all_its_waits_and_an_hour():
    assert Rollout().limit_s == 2 * 300 + 3600
    assert Rollout(shift="linear", step_percent=30, termination_wait_s=60).limit_s == 4 * 300 + 60 + 3600
    assert Rollout(shift="all-at-once", wait_s=180).limit_s == 180 + 3600
    assert Rollout(timeout_s=1200).limit_s == 1200


def test_what_counts_as_slow_is_below_what_a_container_takes_at_most():
    (bound,) = [each.lt for each in Rollout.model_fields["slow_s"].metadata if hasattr(each, "lt")]
    assert bound == TIMEOUTS.container_s
