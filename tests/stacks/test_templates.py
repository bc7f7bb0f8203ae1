"""What holds for every template of every stage."""

import json

import pytest
from aws_cdk import CfnResource
from cfnlint.api import lint_file

from tests.stacks.assembly import app, said


def test_cfn_lint_finds_nothing(assembly):
    for stack in assembly.stacks.values():
        found = lint_file(assembly.folder / f"{stack.name}.template.json")
        assert [f"{stack.name}: {match}" for match in found] == []


def test_cdks_own_validation_finds_nothing(assembly):
    report = json.loads((assembly.folder / "validation-report.json").read_text())
    assert report["pluginReports"] == []


def test_cdks_own_validation_finds_a_misspelt_property(tmp_path, repository):
    faulty = app("dev", tmp_path / "out", repository.root)
    stack = faulty.node.find_child("Fovea-dev-api")
    CfnResource(stack, "Faulty", type="AWS::Logs::LogGroup", properties={"RetentionDays": 7})
    with pytest.raises(RuntimeError, match="'RetentionDays' was unexpected"):
        faulty.synth()


def test_no_stack_needs_another_but_jobs_their_buckets(assembly):
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    for stack in assembly.stacks.values():
        written = json.dumps(stack.template)
        assert "Fn::ImportValue" not in written
        assert all("Export" not in output for output in stack.template["Outputs"].values())
        needed = set(manifest["artifacts"][stack.name].get("dependencies", [])) & set(assembly.stacks)
        assert needed == ({assembly.jobs.name} if "AsyncInferenceConfig" in written else set())


def test_a_stack_uploads_its_own_assets_only(assembly):
    for stack in assembly.stacks.values():
        written = json.dumps(stack.template)
        files = {key for key, file in stack.assets["files"].items() if not file["source"]["path"].endswith(".json")}
        for key in files | set(stack.assets.get("dockerImages", {})):
            assert key in written


def test_a_stack_says_whose_it_is(assembly):
    for stack in assembly.stacks.values():
        _, stage, part = stack.name.split("-", 2)
        expected = {"project": "fovea", "stage": stage}
        assert stack.tags == (expected if part in ("api", "watch", "jobs") else expected | {"model": part})


def test_every_log_group_forgets_and_prod_keeps_it_past_the_stack(stages):
    for stage, assembly in stages.items():
        for stack in assembly.stacks.values():
            groups = [resource for _, resource in stack.resources("Logs::LogGroup")]
            assert groups or stack in (assembly.watch, assembly.jobs)
            for group in groups:
                assert group["Properties"]["RetentionInDays"] == {"dev": 7, "beta": 30, "prod": 365}[stage]
                assert group["DeletionPolicy"] == ("RetainExceptOnCreate" if stage == "prod" else "Delete")


def test_whatever_writes_a_log_writes_to_a_group_of_its_own_stack(assembly):
    """One that AWS makes for it would keep its lines for ever."""
    for stack in assembly.stacks.values():
        groups = dict(stack.resources("Logs::LogGroup"))
        for function in stack.properties("Lambda::Function"):
            assert said(function["LoggingConfig"]["LogGroup"])[2:-1] in groups
        names = {group["Properties"].get("LogGroupName") for group in groups.values()}
        for endpoint in stack.properties("SageMaker::Endpoint"):
            assert f"/aws/sagemaker/Endpoints/{endpoint['EndpointName']}" in names
        for stage in stack.properties("ApiGateway::Stage"):
            assert any(name in said(stage["AccessLogSetting"]["DestinationArn"]) for name in groups)


def test_a_template_names_no_account_or_region(assembly):
    for stack in assembly.stacks.values():
        written = json.dumps(stack.template)
        assert "us-east-1" not in written
        assert not [part for part in written.split(":") if part.isdigit() and len(part) == 12]
