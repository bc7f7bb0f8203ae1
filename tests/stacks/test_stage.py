"""What differs between the stages, and what the context may change of one."""

from dataclasses import asdict

import pytest

from models.chosen import tried
from models.endpoints import InstanceEndpoint
from models.registry import load_models
from models.spec import SpecError
from stacks.deployment import refuse_shared_names
from stacks.instances import at_most
from stacks.stage import STAGES, SWEEP, BadOption, Stage, stage_asked
from tests.stacks.assembly import synthesize
from tests.stacks.test_permissions import allowed, is_exact


def asked(**context: object) -> Stage:
    return stage_asked(context.get)


def test_without_a_word_it_is_dev():
    assert asked() == STAGES["dev"]


@pytest.mark.parametrize("given", [750, "750"])
def test_the_context_gives_the_limit_and_nothing_else_changes(given):
    stage = asked(stage="beta", monthly_limit_usd=given)
    changed = {name for name, value in asdict(stage).items() if value != asdict(STAGES["beta"])[name]}
    assert (stage.monthly_limit_usd, changed) == (750, {"monthly_limit_usd"})


def test_a_limit_of_nothing_is_no_alert():
    assert asked(stage="prod", monthly_limit_usd="0").monthly_limit_usd is None


@pytest.mark.parametrize(
    ("context", "line"),
    [
        (
            {"monthly_limit_usd": "-5"},
            "monthly_limit_usd: '-5' is no number of whole dollars; use such as 500, or 0 for no alert",
        ),
        ({"monthly_limit_usd": "12.5"}, "monthly_limit_usd: '12.5' is no number"),
        ({"monthly_limit_usd": "²"}, "monthly_limit_usd: '²' is no number"),
        ({"tracing": "true"}, "tracing: 'true' is neither; use -c tracing= with on or off"),
    ],
)
def test_an_option_that_cannot_be_is_told_in_a_line(context, line):
    with pytest.raises(BadOption) as refused:
        asked(**context)
    assert str(refused.value).startswith(line)
    assert asked(stage="beta", monthly_limit_usd="1", tracing="on").is_traced


def test_dev_never_has_more_than_one_instance_of_an_endpoint(stages):
    dev = stages["dev"]
    counts = [
        variant["InitialInstanceCount"]
        for stack in dev.models
        for config in stack.properties("SageMaker::EndpointConfig")
        for variant in config["ProductionVariants"]
        if "InstanceType" in variant
    ]
    assert counts
    assert set(counts) == {1}
    targets = [each for stack in dev.models for each in stack.properties("ApplicationAutoScaling::ScalableTarget")]
    assert {(each["MinCapacity"], each["MaxCapacity"]) for each in targets} == {(0, 1)}  # of asynchronous ones


def test_a_stage_bounds_the_scaling_of_each_endpoint_and_changes_nothing_else(stages):
    for name, stage in STAGES.items():
        allowed = {
            f"endpoint/fovea-{name}-{model.spec.name}-{endpoint}/variant/AllTraffic": settings
            for model in load_models()
            for endpoint, settings in model.spec.endpoints.items()
            if isinstance(settings, InstanceEndpoint)
        }
        for stack in stages[name].models:
            for target in stack.properties("ApplicationAutoScaling::ScalableTarget"):
                settings = allowed[target["ResourceId"]]
                assert target["MinCapacity"] == min(settings.min_instances, stage.most_instances)
                assert target["MaxCapacity"] == min(settings.max_instances, stage.most_instances)


def test_prod_has_what_each_model_asks_for():
    assert at_most(load_models(), STAGES["prod"].most_instances) == load_models()


def test_a_bound_lowers_both_ends(repository):
    repository.edit("max_instances = 4", "min_instances = 3\nmax_instances = 9")
    (model,) = at_most(load_models(repository.root), 2)
    gpu = model.spec.endpoints["gpu"]
    assert (gpu.min_instances, gpu.max_instances) == (2, 2)
    assert model.spec.endpoints["serverless"] == load_models(repository.root)[0].spec.endpoints["serverless"]


def test_the_stages_are_ordered_from_cheap_to_kept():
    dev, beta, prod = STAGES.values()
    for less, more in ((dev, beta), (beta, prod)):
        assert less.log_retention_days < more.log_retention_days
        assert less.requests_per_second < more.requests_per_second
        assert less.most_instances < more.most_instances
    assert not dev.is_watched | dev.is_measured | dev.is_traced


def test_the_function_is_told_where_its_metrics_go_in_the_stages_that_are_measured(stages):
    told = {name: each.api.only("Lambda::Function")["Environment"]["Variables"] for name, each in stages.items()}
    assert {name: variables.get("METRICS_NAMESPACE") for name, variables in told.items()} == {
        name: f"Fovea/{name}" if stage.is_measured else None for name, stage in STAGES.items()
    }


def test_tracing_is_off_until_it_is_asked_for(stages, repository, tmp_path):
    assert not any("xray" in action for each in stages.values() for action, _ in allowed(each.api))
    api = synthesize("dev", tmp_path / "out", repository.root, tracing="on").api
    assert api.only("Lambda::Function")["TracingConfig"] == {"Mode": "Active"}
    assert api.only("ApiGateway::Stage")["TracingEnabled"] is True
    inexact = {pair for pair in allowed(api, "lambda") if not is_exact(pair[1])}
    assert inexact == {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}


def test_a_budget_in_dev_needs_no_alarms(repository, tmp_path):
    watch = synthesize("dev", tmp_path / "out", repository.root, monthly_limit_usd="50").watch
    assert watch.kinds == {"Budgets::Budget", "SNS::Topic", "SNS::TopicPolicy"}
    assert watch.only("Budgets::Budget")["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}


def test_a_stage_without_a_limit_has_no_budget(repository, tmp_path):
    """As in a region whose CloudFormation does not know the type."""
    watch = synthesize("beta", tmp_path / "out", repository.root, monthly_limit_usd="0").watch
    assert "Budgets::Budget" not in watch.kinds
    assert "CloudWatch::Dashboard" in watch.kinds
    statements = watch.only("SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert [one["Sid"] for one in statements] == ["OnlyByTls", "AlarmsOfThisAccount"]


def test_a_bound_leaves_no_share_of_the_instances_to_move_first(repository):
    more = 'min_instances = 4\nmax_instances = 9\n[endpoints.gpu.rollout]\nshift = "canary"\nstep_percent = 25'
    repository.edit("max_instances = 4", more)
    (unbounded,) = load_models(repository.root)
    (model,) = at_most([unbounded], 2)
    assert unbounded.spec.endpoints["gpu"].rollout.shift == "canary"
    assert (model.spec.endpoints["gpu"].rollout.shift, model.spec.endpoints["gpu"].rollout.step) == ("all-at-once", 100)


def test_a_bound_holds_for_each_variant(repository):
    variant = 'max_instances = 4\n[endpoints.gpu.variants.large]\ninstance_type = "ml.g5.2xlarge"\nmax_instances = 3'
    repository.edit("max_instances = 4", variant)
    (model,) = at_most(load_models(repository.root), 2)
    assert [served.max_instances for served in model.spec.endpoints["gpu"].served] == [2, 2]


def test_a_sweep_has_stacks_of_its_own_with_the_endpoints_that_it_tries(repository, tmp_path):
    asked = {"model": "cat-breeds", "endpoints": '{"function-2048": {"kind": "lambda", "memory_mb": 2048}}'}
    swept = synthesize("sweep", tmp_path / "out", repository.root, **asked)
    assert set(swept.stacks) == {"Fovea-sweep-cat-breeds", "Fovea-sweep-api"}
    assert all(stack.tags["stage"] == "sweep" for stack in swept.stacks.values())
    (model,) = swept.models
    assert model.only("Lambda::Function")["FunctionName"] == "fovea-sweep-cat-breeds-function-2048"
    assert not [kind for kind in model.kinds if kind.startswith("SageMaker")]
    kept = [one for stack in swept.stacks.values() for one in stack.template["Resources"].values()]
    stays = {one["Type"] for one in kept if "Retain" in one.get("DeletionPolicy", "")}
    assert stays == {"AWS::ApiGateway::Account", "AWS::IAM::Role"}  # the account's own, which cost nothing


def test_a_name_that_is_too_long_with_its_stage_is_told(repository):
    longest = "a" * (63 - len("fovea-sweep-cat-breeds-"))
    too_long, fits = (
        tried(load_models(repository.root), "cat-breeds", {name: {"kind": "serverless"}})
        for name in (f"{longest}a", longest)
    )
    with pytest.raises(SpecError, match="passes SageMaker's 63 characters; shorten it"):
        refuse_shared_names(too_long, SWEEP)
    refuse_shared_names(fits, SWEEP)
