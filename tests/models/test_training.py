"""The [training] table: what it is without a word, and what is refused, with which remedy."""

import pytest

from models.registry import load_models
from tests.models.test_capture_and_vpc import GROUPS, SUBNETS
from tests.models.test_endpoints import GPU, fault_of

T = "training"


def training(*lines: str) -> str:
    return "\n".join([GPU, "[training]", *lines, ""])


REFUSALS = [
    (training('schedule = "weekly"'), f"{T}.schedule: 'weekly' does not fit; give such as \"rate(7 days)\""),
    (training('schedule = "rate(1 days)"'), f"{T}.schedule: 'rate(1 days)' does not fit"),
    (training('schedule = "cron(0 3 * *)"'), f"{T}.schedule: 'cron(0 3 * *)' does not fit"),
    (training("tolerance = 1.0"), f"{T}.tolerance: Input should be less than 1"),
    (training("tolerance = nan"), f"{T}.tolerance: "),
    (training('approval = "never"'), f"{T}.approval: Input should be 'always' or 'marginal'"),
    (training("approval_timeout_hours = 0"), f"{T}.approval_timeout_hours: Input should be greater than"),
    (training('instance_type = "m5.xlarge"'), f"{T}.instance_type: 'm5.xlarge' does not fit; What trains and"),
    (training('instance_type = "ml.m7g.large"'), f"{T}.instance_type: ml.m7g.large has a Graviton CPU, and the"),
    (training('instance_type = "ml.g5.xlarge"'), f"{T}.instance_type: ml.g5.xlarge has a GPU, which would be paid"),
    (training('instance_type = "ml.g5g.xlarge"'), f"{T}.instance_type: ml.g5g.xlarge has a Graviton CPU, and the"),
    (training("spot = false", "max_wait_s = 900"), f"{T}.max_wait_s: only spot capacity is waited for; remove it"),
    (training("max_run_s = 900", "max_wait_s = 600"), f"{T}.max_wait_s: 600 has the training in it, but is below"),
    (training('bucket = "s3://mine"'), f"{T}.bucket: 's3://mine' does not fit; The name of a bucket"),
    (training('channels = ["training", "held-out"]'), f"{T}.channels: held-out is what no training may see"),
    (training('channels = ["a", "a"]'), f"{T}.channels: give 1 to 20 of them, each once"),
    (training('channels = ["../a"]'), f"{T}.channels: '../a' does not fit; give lower case letters"),
    (training("instance_count = 2"), f"{T}.instance_count: a training runs on one instance; choose a larger"),
    (training('data = "s3://mine"'), f"{T}.data: the data lie in the bucket below data/"),
    (training("colour = 2"), f"{T}.colour: is not a known key; docs/model-toml.md lists them"),
    (training("[training.hyperparameters]", "epochs = 3"), f"{T}.hyperparameters.epochs: Input should be a valid str"),
    (training("[training.hyperparameters]", f'a = "{"9" * 2501}"'), f"{T}.hyperparameters: 'a': SageMaker takes names"),
    (
        training("[training.vpc]", SUBNETS, GROUPS, 'vpc_id = "vpc-1"'),
        f"{T}.vpc.vpc_id: the subnets say which VPC it is; remove it",
    ),
]


@pytest.mark.parametrize(("tables", "words"), REFUSALS)
def test_names_the_key_and_the_remedy(repository, tables, words):
    assert words in fault_of(repository, tables)


def test_a_model_that_is_in_images_alone_is_not_trained(repository):
    repository.edit('kind = "serverless"', 'kind = "lambda"')
    fault = fault_of(repository, "[training]\n")
    assert "training: each endpoint is a Lambda function with the model in its image" in fault


def test_an_empty_table_trains_weekly_on_spare_capacity_and_asks_where_it_is_open(repository):
    (model,) = load_models(repository.root)
    assert model.spec.training is None
    repository.edit(GPU, training())
    given = load_models(repository.root)[0].spec.training
    assert (given.schedule, given.spot, given.approval) == ("rate(7 days)", True, "marginal")
    assert given.most_wait_s == 2 * given.max_run_s


def test_every_form_of_a_schedule_is_taken(repository):
    for schedule in ("rate(1 hour)", "rate(12 hours)", "cron(0 3 ? * SUN *)", "none"):
        repository.edit(GPU, training(f'schedule = "{schedule}"'))
        assert load_models(repository.root)[0].spec.training.schedule == schedule
        repository.edit(training(f'schedule = "{schedule}"'), GPU)
