"""docs/drift.md's snippet: the job that it schedules is one that SageMaker takes and monitoring understands."""

import json
import re

import boto3
import pytest
from botocore.validate import validate_parameters
from cfnlint.api import lint_file
from syrupy.extensions.json import JSONSnapshotExtension

from models.registry import ROOT
from monitoring.__main__ import _options
from monitoring.drift import DIMENSIONS, METRIC
from tests.stacks.assembly import app, read, said, scrubbed
from tests.stacks.test_permissions import allowed
from tests.stacks.test_rules import acknowledged, explains, findings

SNIPPET = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / "drift.md").read_text(), re.DOTALL)[1]
NAME = "fovea-prod-cat-breeds-gpu"


@pytest.fixture
def deploy(repository, tmp_path):
    """The model's stack with the snippet, and the app that it is of."""
    (repository.model / "baseline.json").write_text("{}")
    spec = (repository.model / "model.toml").read_text()
    (repository.model / "model.toml").write_text(spec[: spec.index("[endpoints.")] + SNIPPET)

    def deployed(stage: str = "prod"):
        deployment = app(stage, tmp_path / stage, repository.root)
        deployment.synth()
        return read(tmp_path / stage).part("cat-breeds"), deployment

    return deployed


def request(stack) -> dict:
    return json.loads(said(stack.only("Scheduler::Schedule")["Target"]["Input"]))


def test_the_schedule_asks_for_a_job_that_sagemaker_takes(deploy):
    stack, _ = deploy()
    schedule = stack.only("Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    assert said(schedule["Target"]["Arn"]).endswith(":scheduler:::aws-sdk:sagemaker:createProcessingJob")
    asked = request(stack)
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1")
    validate_parameters(asked, sagemaker.meta.service_model.operation_model("CreateProcessingJob").input_shape)
    assert asked["ProcessingJobName"] == "drift-<aws.scheduler.execution-id>"
    assert asked["NetworkConfig"] == {"EnableNetworkIsolation": True}
    captured, baseline = (one["S3Input"] for one in asked["ProcessingInputs"])
    assert captured["S3Uri"] == f"s3://my-captured-requests/cat-breeds/{NAME}"
    options = _options(asked["AppSpecification"]["ContainerArguments"])
    assert (str(options.captured), options.days) == (captured["LocalPath"], 7.0)
    assert str(options.baseline) == f"{baseline['LocalPath']}/{baseline['S3Uri'].rpartition('/')[2]}"
    (output,) = asked["ProcessingOutputConfig"]["Outputs"]
    assert str(options.out.parent) == output["S3Output"]["LocalPath"]
    assert asked["AppSpecification"]["ContainerEntrypoint"] == ["python", "-m", "monitoring"]


def test_the_alarm_is_on_the_metric_that_the_job_writes(deploy):
    stack, _ = deploy()
    (alarm,) = (each for each in stack.properties("CloudWatch::Alarm") if each["AlarmName"] == f"{NAME}-drift")
    options = _options(request(stack)["AppSpecification"]["ContainerArguments"])
    assert (alarm["Namespace"], alarm["MetricName"]) == (options.namespace, METRIC)
    values = ("cat-breeds", options.endpoint)
    assert alarm["Dimensions"] == [
        {"Name": name, "Value": value} for name, value in zip(DIMENSIONS, values, strict=True)
    ]
    assert alarm["Threshold"] == 0.25
    assert said(alarm["AlarmActions"][0]).endswith(":fovea-prod-alarms")


def test_a_job_reads_what_was_captured_and_writes_beside_it_and_may_do_nothing_else(deploy):
    stack, _ = deploy()
    bucket = "arn:${AWS::Partition}:s3:::my-captured-requests"
    granted = allowed(stack, "sagemaker")
    assert ("s3:GetObject", f"{bucket}/cat-breeds/{NAME}/*") in granted
    assert ("s3:PutObject", f"{bucket}/cat-breeds-drift/{NAME}/*") in granted
    assert {action for action, _ in allowed(stack, "scheduler")} == {"sagemaker:CreateProcessingJob", "iam:PassRole"}


def test_an_unwatched_stage_has_nobody_to_tell(deploy):
    stack, _ = deploy("dev")
    (alarm,) = stack.properties("CloudWatch::Alarm")
    assert "AlarmActions" not in alarm


def test_it_is_by_the_rules_and_what_it_was(deploy, tmp_path, snapshot):
    stack, deployment = deploy()
    assert scrubbed(stack.template) == snapshot.use_extension(JSONSnapshotExtension)
    out = tmp_path / "prod"
    assert [match for template in out.glob("*.template.json") for match in lint_file(template)] == []
    reasons = acknowledged(deployment)
    unexplained = [one for one in findings(out, tmp_path / "nag") if not any(explains(why, one) for why in reasons)]
    assert unexplained == []


def test_without_the_table_there_is_none(repository, tmp_path):
    app("prod", tmp_path / "out", repository.root).synth()
    stack = read(tmp_path / "out").part("cat-breeds")
    assert not stack.properties("Scheduler::Schedule")
    assert not stack.properties("CloudWatch::Alarm")
