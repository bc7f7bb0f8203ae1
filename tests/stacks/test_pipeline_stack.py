"""The pipeline: what it does in which order, that it deploys what a person does, and that nothing else touches it."""

import json
import sys
from pathlib import Path

import pytest
from aws_cdk import App
from cfnlint.api import lint_file
from syrupy.extensions.json import JSONSnapshotExtension

from experiments import smoke
from models.registry import ROOT, load_models
from stacks.pipeline_stack import NAME, delivery
from stacks.stage import STAGES
from tests.stacks.assembly import CONTEXT, Stack, said, scrubbed
from tests.stacks.test_app import run

CONNECTION = "arn:aws:codeconnections:eu-west-1:111122223333:connection/0a1b2c3d-0000-4444-8888-0123456789ab"
SOURCE = {"connection_arn": CONNECTION, "repository": "somebody/fovea"}
# Of what CDK itself writes: a Fn::Join, which cfn-lint would rather have as Fn::Sub, and a dependency said twice.
CDKS_OWN = ("E3703: Validate the configuration of a pipeline action] (Prefer using Fn::Sub", "W3005")


def delivered(out: Path) -> App:
    return delivery(load_models(), outdir=str(out), context=CONTEXT | SOURCE)


def synthesize(out: Path, **context: str):
    """As a process, without credentials."""
    asked = json.dumps(CONTEXT | context)
    return run(sys.executable, "pipeline.py", cwd=ROOT, CDK_OUTDIR=str(out), CDK_CONTEXT_JSON=asked)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("pipeline") / "out"
    done = synthesize(out, **SOURCE)
    assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.fixture(scope="module")
def pipeline(folder) -> Stack:
    template = json.loads((folder / f"{NAME}.template.json").read_text())
    return Stack(NAME, template, json.loads((folder / f"{NAME}.assets.json").read_text()), {})


def actions(pipeline: Stack) -> dict[str, list[tuple[int, str]]]:
    """Stage -> its actions by the order in which they run."""
    stages = pipeline.only("CodePipeline::Pipeline")["Stages"]
    return {stage["Name"]: sorted((a["RunOrder"], a["Name"]) for a in stage["Actions"]) for stage in stages}


def commands(pipeline: Stack, name: str) -> list[str]:
    ((_, project),) = [each for each in pipeline.resources("CodeBuild::Project") if name in each[0]]
    return json.loads(project["Properties"]["Source"]["BuildSpec"])["phases"]["build"]["commands"]


def test_a_commit_is_tested_tried_in_beta_and_waits_before_prod(pipeline):
    found = actions(pipeline)
    assert list(found) == ["Source", "Build", "UpdatePipeline", "Assets", "beta", "prod"]
    *deployed, (last, asked) = found["beta"]
    assert asked == "Smoke"
    assert last > max(order for order, _ in deployed)
    (first, promote), *then = found["prod"]
    assert promote == "Promote"
    assert first < min(order for order, _ in then)
    (approval,) = [
        action
        for stage in pipeline.only("CodePipeline::Pipeline")["Stages"]
        for action in stage["Actions"]
        if action["Name"] == "Promote"
    ]
    assert approval["ActionTypeId"]["Category"] == "Approval"


def test_it_starts_with_a_branch_and_tests_before_it_synthesizes_itself_again(pipeline):
    (source,) = pipeline.only("CodePipeline::Pipeline")["Stages"][0]["Actions"]
    assert source["Configuration"] == {
        "ConnectionArn": CONNECTION,
        "FullRepositoryId": "somebody/fovea",
        "BranchName": "main",
    }
    test, _, synth = commands(pipeline, "Synth")
    assert test == "make test"
    assert synth.startswith('cdk synth --quiet --app "python pipeline.py" ')
    assert all(f"-c {name}={value}" in synth for name, value in {**SOURCE, "branch": "main"}.items())


def test_it_deploys_what_a_person_deploys_byte_for_byte(folder, stages):
    for name in ("beta", "prod"):
        nested = folder / f"assembly-{NAME}-{name}"
        manifest = json.loads((nested / "manifest.json").read_text())["artifacts"].values()
        found = {a["properties"]["stackName"]: a["properties"] for a in manifest if a["type"].endswith(":stack")}
        assert set(found) == set(stages[name].stacks)
        for stack, properties in found.items():
            by_hand = stages[name].folder / f"{stack}.template.json"
            assert (nested / properties["templateFile"]).read_bytes() == by_hand.read_bytes()
            assert properties["tags"] == stages[name].stacks[stack].tags


def test_the_smoke_test_is_one_that_there_is_and_may_call_beta_alone(pipeline):
    *_, command = commands(pipeline, "Smoke")
    program, *options = command.removeprefix("python -m ").split()
    assert program == smoke.__name__
    assert options == ['"$API_URL"', "--sign", "--each-endpoint"]
    may = [
        said(resource)
        for _, policy in pipeline.resources("IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "execute-api:Invoke"
        for resource in statement["Resource"]
    ]
    here = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/beta"
    assert may == [f"{here}/GET/models", f"{here}/POST/models/*/predict"]
    by_name = {a["Name"]: a for s in pipeline.only("CodePipeline::Pipeline")["Stages"] for a in s["Actions"]}
    namespace = by_name["Fovea-beta-api.Deploy"]["Namespace"]
    variables = {
        one["name"]: one["value"] for one in json.loads(by_name["Smoke"]["Configuration"]["EnvironmentVariables"])
    }
    assert variables["API_URL"] == f"#{{{namespace}.ApiUrl}}"


def test_only_what_builds_images_has_a_docker_of_its_own_and_adds_no_attestations(pipeline):
    projects = dict(pipeline.resources("CodeBuild::Project"))
    privileged = {name for name, one in projects.items() if one["Properties"]["Environment"]["PrivilegedMode"]}
    (docker,) = privileged
    assert "AssetsDocker" in docker
    variables = projects[docker]["Properties"]["Environment"]["EnvironmentVariables"]
    assert {"Name": "BUILDX_NO_DEFAULT_ATTESTATIONS", "Type": "PLAINTEXT", "Value": "1"} in variables


def test_every_project_writes_to_a_log_that_forgets(pipeline):
    ((log, group),) = pipeline.resources("Logs::LogGroup")
    assert group["Properties"]["RetentionInDays"] == 30
    for project in pipeline.properties("CodeBuild::Project"):
        assert project["LogsConfig"]["CloudWatchLogs"] == {"GroupName": {"Ref": log}, "Status": "ENABLED"}


def test_its_artifacts_are_encrypted_blocked_by_tls_only_and_forgotten(pipeline):
    bucket, policy = pipeline.only("S3::Bucket"), pipeline.only("S3::BucketPolicy")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 30
    deny = policy["PolicyDocument"]["Statement"][0]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert "KMS::Key" not in pipeline.kinds


def test_it_runs_the_cdk_command_of_the_repository(pipeline):
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    specs = [project["Source"]["BuildSpec"] for project in pipeline.properties("CodeBuild::Project")]
    assert [spec for spec in specs if f"npm install -g aws-cdk@{wanted}" in json.dumps(spec)]


def test_it_may_use_the_connection_by_either_of_its_names(pipeline):
    actions = {
        action
        for _, policy in pipeline.resources("IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Resource"] == CONNECTION
        for action in statement["Action"]
    }
    assert actions == {"codeconnections:UseConnection", "codestar-connections:UseConnection"}


def test_cfn_lint_finds_nothing_but_what_cdk_writes(folder):
    found = [str(match) for match in lint_file(folder / f"{NAME}.template.json")]
    assert [match for match in found if not any(known in match for known in CDKS_OWN)] == []


def test_a_pipeline_is_what_it_was(pipeline, snapshot):
    template = json.dumps(scrubbed(pipeline.template))
    assert json.loads(template) == snapshot.use_extension(JSONSnapshotExtension)


def test_no_other_command_touches_it(stages):
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == "python app.py"
    for name in STAGES:
        assert NAME not in stages[name].stacks


def test_two_synths_write_the_same_bytes(folder, tmp_path):
    assert synthesize(tmp_path / "out", **SOURCE).returncode == 0
    one, two = (
        {
            file.relative_to(out): file.read_bytes()
            for file in out.rglob("*")
            if file.is_file() and file.name != "tree.json"
        }
        for out in (folder, tmp_path / "out")
    )
    assert len(one) > 30
    assert one == two


@pytest.mark.parametrize(
    ("context", "line"),
    [
        (
            {"repository": "somebody/fovea"},
            "connection_arn: is missing; give -c connection_arn= with the ARN of a connection",
        ),
        ({"connection_arn": CONNECTION}, "repository: is missing; give -c repository= with its owner and name"),
        (SOURCE | {"repository": "fovea"}, "repository: 'fovea' is not its owner and name, such as somebody/fovea"),
        (SOURCE | {"branch": "main; rm -rf /"}, "branch: 'main; rm -rf /' is not the name of a branch"),
        (
            SOURCE | {"connection_arn": "arn:aws:s3:::x"},
            "connection_arn: 'arn:aws:s3:::x' is not the ARN of a connection",
        ),
        (SOURCE | {"tracing": "maybe"}, "tracing: 'maybe' is neither"),
    ],
    ids=["no connection", "no repository", "no owner", "a command", "a bucket", "an option"],
)
def test_what_is_missing_or_cannot_be_is_told_in_a_line(tmp_path, context, line):
    done = synthesize(tmp_path / "out", **context)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
