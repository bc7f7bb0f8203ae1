"""A model's training on AWS: its state machine, who may do what, and how the model's stack takes what comes of it."""

import json
import shutil

import botocore.session
import pytest
from cfnlint.api import lint_file
from syrupy.extensions.json import JSONSnapshotExtension

from models.registry import load_models
from models.spec import SpecError
from stacks.constructs.retraining_machine import FAILURES
from stacks.retraining_stack import refuse_untrainable
from tests.stacks.assembly import app, read, said, scrubbed
from tests.stacks.retraining import PART, TABLE, deployed, machine, resolved_text, trained_repository
from tests.stacks.test_permissions import WILDCARDS, allowed, is_exact, service, statements
from tests.stacks.test_rules import acknowledged, explains, findings

MODEL = "cat-breeds"
HERE = "${AWS::Region}:${AWS::AccountId}"
EVERYTHING = """
[training]
instance_type = "ml.m5.4xlarge"
spot = false
bucket = "cat-pictures"
channels = ["training", "checkpoint"]
schedule = "none"
on_new_data = true
approval = "always"
[training.vpc]
subnet_ids = ["subnet-0a1b2c3d"]
security_group_ids = ["sg-0a1b2c3d"]
"""


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory):
    """As the table is without a word, in each stage; and `everything`, with all its keys."""
    room = tmp_path_factory.mktemp("retraining")
    made = {stage: deployed(room / stage / "fovea", room / stage / "out", stage) for stage in ("dev", "prod")}
    return made | {"everything": deployed(room / "every" / "fovea", room / "every" / "out", "dev", EVERYTHING)}


@pytest.fixture(params=["dev", "prod", "everything"])
def assembly(request, assemblies):
    return assemblies[request.param]


@pytest.fixture
def dev(assemblies):
    return assemblies["dev"]


def states(assembly) -> dict:
    return machine(assembly.part(PART))["States"]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_training_is_what_it_was(assemblies, stage, snapshot):
    parts = {part: scrubbed(assemblies[stage].part(part).template) for part in (PART, MODEL, "training")}
    assert parts == snapshot.use_extension(JSONSnapshotExtension)


def test_the_machine_is_what_it_was(assemblies, snapshot):
    assert scrubbed(states(assemblies["prod"])) == snapshot.use_extension(JSONSnapshotExtension)


def test_cfn_lint_finds_nothing(assembly):
    for stack in assembly.stacks.values():
        found = lint_file(assembly.folder / f"{stack.name}.template.json")
        assert [f"{stack.name}: {match}" for match in found] == []


def test_every_permission_is_exact_but_what_is_named_later(assembly):
    """The runs of one model: their jobs, objects, entries in the registry; and the id of its stack."""
    of_runs = ("/data/*", "/models/*", "/checkpoints/*", "/evaluations/*", f"-{MODEL}-*", f"/{MODEL}/*")
    named_later = (*of_runs, f"model-package/fovea-dev-{MODEL}/*", f"model-package/fovea-prod-{MODEL}/*")
    of_vpc = {pair for pair in allowed(assembly.part(PART)) if pair[0].startswith("ec2:")}
    inexact = {pair for pair in allowed(assembly.part(PART)) - of_vpc if not is_exact(pair[1])}
    unnamed = {pair for pair in inexact if not (pair[1].endswith(named_later) and MODEL in pair[1])}
    assert {pair for pair in unnamed if not pair[1].endswith(f"stack/Fovea-dev-{MODEL}/*")} <= WILDCARDS | {
        (f"cloudformation:{action}", f"arn:${{AWS::Partition}}:cloudformation:{HERE}:stack/Fovea-prod-{MODEL}/*")
        for action in ("DescribeStacks", "UpdateStack")
    }
    assert not [action for action, _ in allowed(assembly.part(PART)) if "*" in action]
    assert all("ManagedPolicyArns" not in role for role in assembly.part(PART).properties("IAM::Role"))


def test_the_machine_may_call_what_its_states_call_and_nothing_else(assembly):
    stack, called = assembly.part(PART), set()
    for state in states(assembly).values():
        called |= {_permission(state)} if state["Type"] == "Task" else set()
    of_jobs = {f"sagemaker:{verb}{job}Job" for verb in ("Describe", "Stop") for job in ("Training", "Processing")}
    so_that_sync_works = {"events:PutTargets", "events:PutRule", "events:DescribeRule", "iam:PassRole"}
    granted = {action for action, _ in allowed(stack, "states")}
    assert granted == called | of_jobs | so_that_sync_works | {"sagemaker:AddTags", "sagemaker:ListTags"}


def _permission(state: dict) -> str:
    action = state["Resource"].partition(":::")[2].removeprefix("aws-sdk:").partition(".")[0]
    if action == "lambda:invoke":
        return "lambda:InvokeFunction"
    service_name, _, call = action.partition(":")
    return f"{service_name}:{call[0].upper()}{call[1:]}"


def test_each_finding_of_cdk_nag_is_acknowledged_and_each_acknowledgement_needed(tmp_path):
    for name, table in (("plain", TABLE), ("everything", EVERYTHING)):
        repository = trained_repository(tmp_path / name / "fovea", table)
        synthesized = app("dev", tmp_path / name / "out", repository.root)
        synthesized.synth()
        found, reasons = findings(tmp_path / name / "out", tmp_path / name / "nag"), acknowledged(synthesized)
        assert not [finding for finding in sorted(found) if not any(explains(reason, finding) for reason in reasons)]
        assert not [reason for reason in sorted(reasons) if not any(explains(reason, finding) for finding in found)]


def test_every_end_but_the_good_one_names_itself_and_is_told_first(assembly):
    found = states(assembly)
    ends = {name: state for name, state in found.items() if state["Type"] in ("Fail", "Succeed")}
    expected = set(FAILURES) if "Watch" in found else set(FAILURES) - {"AlarmRaised", "WatchFailed"}
    assert set(ends) == expected | {"Deployed"}
    for name in expected:
        assert ends[name]["Error"] == name
        before = [other for other, state in found.items() if name in _next(state)]
        assert before == [f"Tell{name}"]
        assert found[f"Tell{name}"]["Parameters"]["Payload"]["state"] == name


def _next(state: dict) -> set[str]:
    edges = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {edge["Next"] for edge in edges if "Next" in edge} | {state.get("Default", "")}


def test_every_state_is_reached_and_every_task_expects_to_fail(assembly):
    definition = machine(assembly.part(PART))
    found, reached, asked = definition["States"], set(), [definition["StartAt"]]
    while asked:
        name = asked.pop()
        if name not in reached:
            reached.add(name)
            asked += [after for after in _next(found[name]) if after]
    assert reached == set(found)
    for state in found.values():
        if state["Type"] == "Task":
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_what_a_task_gives_is_kept_where_it_is_said_or_forgotten(assembly):
    """A state without a ResultPath would put its result in the place of all that is known."""
    for name, state in states(assembly).items():
        if state["Type"] == "Task":
            assert "ResultPath" in state, name
            assert state["ResultPath"] != "$"


def test_a_job_is_what_sagemakers_own_model_of_its_api_takes(assembly):
    sagemaker = botocore.session.get_session().get_service_model("sagemaker")
    for name, call in (("Train", "CreateTrainingJob"), ("Evaluate", "CreateProcessingJob")):
        given = _without_paths(states(assembly)[name]["Parameters"])
        shape = sagemaker.operation_model(call).input_shape
        report = botocore.validate.ParamValidator().validate(given, shape)
        assert not report.has_errors(), report.generate_report()


def _without_paths(value):
    if isinstance(value, str) and value.startswith("States.Array("):
        return value.removeprefix("States.Array(").removesuffix(")").split(", ")
    if isinstance(value, dict):
        return {key.removesuffix(".$"): _without_paths(inner) for key, inner in value.items()}
    return [_without_paths(inner) for inner in value] if isinstance(value, list) else value


def test_spot_capacity_saves_checkpoints_and_without_it_there_are_none(assemblies):
    spot, alone = (states(assemblies[name])["Train"]["Parameters"] for name in ("dev", "everything"))
    assert spot["EnableManagedSpotTraining"]
    assert spot["CheckpointConfig"]["S3Uri.$"].endswith("/cat-breeds/checkpoints/{}', $.run)")
    assert spot["StoppingCondition"]["MaxWaitTimeInSeconds"] > spot["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert not {"EnableManagedSpotTraining", "CheckpointConfig"} & set(alone)
    assert alone["VpcConfig"] == {"Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    assert [channel["ChannelName"] for channel in alone["InputDataConfig"]] == ["training", "checkpoint"]
    assert all(job["EnableNetworkIsolation"] for job in (spot, alone))


def test_no_training_sees_what_is_held_out(assembly):
    given = json.dumps(states(assembly)["Train"]["Parameters"])
    assert "held-out" not in given
    assert "/data/held-out/" in json.dumps(states(assembly)["Evaluate"]["Parameters"])


def test_a_jobs_name_fits_whatever_the_models_name_is(assembly):
    longest = "fovea-prod-" + "m" * 40 + "-" + "0" * 8
    assert len(longest) <= 63
    assert states(assembly)["NameRun"]["Parameters"]["run.$"].startswith("States.Format('fovea-")


def test_it_trains_weekly_or_when_all_new_data_are_there(assemblies):
    (rule,) = assemblies["dev"].part(PART).properties("Events::Rule")
    assert rule["ScheduleExpression"] == "rate(7 days)"
    (rule,) = assemblies["everything"].part(PART).properties("Events::Rule")
    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": ["cat-pictures"]},
        "object": {"key": ["cat-breeds/data/_SUCCESS"]},
    }
    (target,) = rule["Targets"]
    assert allowed(assemblies["everything"].part(PART), "events") == {("states:StartExecution", said(target["Arn"]))}


def test_a_bucket_of_somebodys_own_needs_no_stack(assemblies):
    assert "Fovea-dev-training" in assemblies["dev"].stacks
    assert "Fovea-dev-training" not in assemblies["everything"].stacks
    bucket = assemblies["dev"].part("training").only("S3::Bucket")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert [rule["Prefix"] for rule in bucket["LifecycleConfiguration"]["Rules"]] == ["cat-breeds/checkpoints/"]


def test_a_stage_or_a_model_may_insist_on_a_person(assemblies):
    assert states(assemblies["dev"])["Register"]["Next"] == "WhoDecides"
    for name in ("prod", "everything"):
        assert states(assemblies[name])["Register"]["Next"] == "AskForApproval"


def test_no_message_of_the_topic_holds_the_token(assembly):
    """It is in what the waiting function is given, and so in the history; what it publishes is tested beside it."""
    found = states(assembly)
    holders = [name for name, state in found.items() if "$$.Task.Token" in json.dumps(state)]
    assert holders == ["AskForApproval"]
    assert found["AskForApproval"]["TimeoutSeconds"] == 72 * 3600


def test_the_models_stack_serves_what_its_parameter_names(assembly):
    stack = assembly.part(MODEL)
    parameter = stack.template["Parameters"]["ModelArchive"]
    assert parameter["Default"] == "s3://deployed"
    served = {
        json.dumps(model["PrimaryContainer"]["ModelDataUrl"]) for model in stack.properties("SageMaker::Model")
    } | {json.dumps(stack.template["Outputs"]["ServedArchive"]["Value"])}
    (one,) = map(json.loads, served)
    condition, given, own = one["Fn::If"]
    assert stack.template["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "ModelArchive"}, "s3://deployed"]}]
    }
    assert given == {"Ref": "ModelArchive"}
    assert said(own).startswith("s3://cdk-hnb659fds-assets-")


def test_the_endpoints_role_reads_exactly_what_trainings_of_its_model_make(assembly):
    below = [r for a, r in allowed(assembly.part(MODEL), "sagemaker") if a == "s3:GetObject" and r.endswith("*")]
    (made,) = below
    assert made.endswith("/cat-breeds/models/*")
    written = states(assembly)["Train"]["Parameters"]["OutputDataConfig"]["S3OutputPath"]
    assert resolved_text({"Fn::Sub": made}).partition(":::")[2] == f"{written.removeprefix('s3://')}/*"


def test_the_update_names_the_parameter_and_the_stack_that_there_are(assembly):
    stack = assembly.part(MODEL)
    for state in ("Update", "RollBack"):
        parameters = states(assembly)[state]["Parameters"]
        assert parameters["StackName"] == stack.name
        assert parameters["UsePreviousTemplate"] is True
        assert {given["ParameterKey"] for given in parameters["Parameters"]} == set(stack.template["Parameters"])
    assert "OutputKey=='ServedArchive'" in json.dumps(states(assembly)["FindCurrent"])


def test_the_alarms_that_are_watched_are_those_that_the_stage_has(assemblies):
    prod = assemblies["prod"]
    asked = states(prod)["AskAlarms"]["Parameters"]["AlarmNames"]
    assert set(asked) < {alarm["AlarmName"] for alarm in prod.watch.properties("CloudWatch::Alarm")}
    assert "AskAlarms" not in states(assemblies["dev"])


def test_sagemaker_may_be_given_its_role_by_the_machine_and_by_nobody_else(assembly):
    stack = assembly.part(PART)
    (passing,) = [s for s in statements(stack) if s["Action"] == "iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    name = said(passing["Resource"]).removeprefix("${").partition(".")[0]
    assert service(stack.template["Resources"][name]["Properties"]) == "sagemaker"


def test_the_functions_package_holds_our_own_code_a_sample_and_what_they_are_told(dev):
    (key,) = [
        key for key, file in dev.part(PART).assets["files"].items() if file["displayName"] == "cat-breeds training"
    ]
    folder = dev.folder / f"asset.{key}"
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert {"contract/gate.py", "lambda_handlers/retraining/tell.py", "retraining.json", "sample/cat.png"} <= files
    assert all(file.endswith(".py") for file in files - {"retraining.json", "sample/cat.png"})
    told = json.loads((folder / "retraining.json").read_text())
    assert told["targets"] == [
        {"EndpointName": "fovea-dev-cat-breeds-serverless"},
        {"EndpointName": "fovea-dev-cat-breeds-gpu"},
    ]
    assert told["folders"] == ["training", "held-out"]


def test_the_training_image_is_a_target_of_its_own_and_no_artifact_changes_it(tmp_path):
    repository = trained_repository(tmp_path / "fovea")

    def image(out: str) -> tuple[str, dict]:
        app("dev", tmp_path / out, repository.root).synth()
        images = read(tmp_path / out).part(PART).assets["dockerImages"].items()
        return next((key, each["source"]) for key, each in images if each["source"].get("dockerBuildTarget"))

    before, source = image("before")
    assert source["dockerBuildTarget"] == "training"
    packages = "containers/training/requirements-tensorflow.txt"
    expected = {"CONTAINER": "savedmodel", "MODEL": "models/cat_breeds", "PACKAGES": packages}
    assert source["dockerBuildArgs"] == expected
    (repository.model / "artifact" / "saved_model.pb").touch()
    shutil.copy(repository.model / "artifact" / "saved_model.pb", repository.model / "artifact" / "more.pb")
    assert image("after-artifact")[0] == before
    (repository.model / "train.py").write_text("# another\n")
    assert image("after-code")[0] != before


def test_a_model_without_a_trainer_or_a_sample_is_refused_with_the_remedy(repository):
    with (repository.model / "model.toml").open("a") as spec:
        spec.write("\n[training]\n")
    with pytest.raises(SpecError) as caught:
        refuse_untrainable(load_models(repository.root))
    assert caught.value.faults == [
        "models/cat_breeds/model.toml: training: there is no train.py beside it; add one (docs/training.md), or remove "
        "the table",
        "models/cat_breeds/model.toml: training: samples/ has nothing that could be sent to try a new model; add a "
        "sample there",
    ]
    (repository.model / "train.py").touch()
    (repository.model / "samples").mkdir()
    (repository.model / "samples" / "cat.json").write_text("{}")
    refuse_untrainable(load_models(repository.root))


def test_a_model_may_not_have_the_name_of_anothers_training(tmp_path):
    repository = trained_repository(tmp_path / "fovea")
    other = shutil.copytree(repository.model, repository.root / "models" / "cat_breeds_training")
    spec = (other / "model.toml").read_text()
    (other / "model.toml").write_text(spec.replace('"cat-breeds"', f'"{PART}"').replace(TABLE, ""))
    with pytest.raises(SpecError, match="'cat-breeds-training' is the name of one of Fovea's stacks; choose another"):
        app("dev", tmp_path / "out", repository.root)


def test_a_models_stack_without_the_table_has_no_parameter(repository, tmp_path):
    app("dev", tmp_path / "out", repository.root).synth()
    stack = read(tmp_path / "out").part(MODEL)
    assert not {"Parameters", "Conditions"} & set(stack.template)
    assert not [each for each in read(tmp_path / "out").stacks if each.endswith("-training")]


def test_every_function_of_it_writes_a_log_that_is_forgotten(assembly):
    stack = assembly.part(PART)
    groups = {name for name, _ in stack.resources("Logs::LogGroup")}
    functions = stack.properties("Lambda::Function")
    assert len(functions) == 4
    assert {said(function["LoggingConfig"]["LogGroup"])[2:-1] for function in functions} == groups
