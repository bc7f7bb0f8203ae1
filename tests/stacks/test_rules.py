"""cdk-nag's AwsSolutions rules on every stack of every stage: each finding has its reason, each reason a finding.

The rules look at the types of CDK's own classes, so they are run on the templates, read back into those classes.
"""

import json
from pathlib import Path

import pytest
from aws_cdk import App, CfnResource, Stack, Validations
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks

from stacks.constructs.acknowledge import METADATA
from tests.stacks.assembly import app
from tests.stacks.test_pipeline_stack import delivered

STAGES = ("dev", "beta", "prod")
PREFIX = "AwsSolutions-"

Finding = tuple[str, str, str]
"""Stack, logical id, rule without its prefix."""


@pytest.fixture(scope="module", params=[*STAGES, "dev with tracing", "pipeline"])
def stage(request, tmp_path_factory):
    """Its findings, and what is acknowledged."""
    room = tmp_path_factory.mktemp("rules")
    name, _, option = request.param.partition(" with ")
    deployment = (
        delivered(room / "out") if name == "pipeline" else app(name, room / "out", **({option: "on"} if option else {}))
    )
    deployment.synth()
    return findings(room / "out", room / "nag"), acknowledged(deployment)


def findings(assembly: Path, out: Path) -> set[Finding]:
    checked = App(outdir=str(out))
    for template in assembly.glob("*.template.json"):
        CfnInclude(Stack(checked, template.name.partition(".")[0]), "T", template_file=str(template))
    Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    with pytest.raises(RuntimeError, match="ValidationFailed"):  # what is acknowledged is known to us, not to cdk-nag
        checked.synth()
    reports = json.loads((out / "validation-report.json").read_text())["pluginReports"]
    found = set()
    for report in reports:
        for violation in report["violations"]:
            for construct in violation["violatingConstructs"]:
                stack, _, logical_id = construct["constructPath"].split("/")
                found.add((stack, logical_id, violation["ruleName"].removeprefix(PREFIX)))
    return found


def acknowledged(deployment: App) -> dict[Finding, str]:
    reasons = {}
    for node in deployment.node.find_all():
        if isinstance(node, CfnResource):
            for entry in node.node.metadata:
                if entry.type == METADATA:
                    stack = Stack.of(node)
                    if "/" in stack.node.path:
                        continue  # a stage's, in the pipeline; it is looked at where it is by itself
                    where = stack.stack_name, stack.resolve(node.logical_id)
                    reasons[(*where, entry.data["rule"])] = entry.data["reason"]
    return reasons


def explains(reason: Finding, finding: Finding) -> bool:
    return reason[:2] == finding[:2] and finding[2].startswith(reason[2])


def test_each_finding_is_acknowledged_beside_its_resource(stage):
    found, reasons = stage
    assert found
    assert not [finding for finding in sorted(found) if not any(explains(reason, finding) for reason in reasons)]


def test_each_acknowledgement_is_needed_and_says_why(stage):
    found, reasons = stage
    assert not [reason for reason in sorted(reasons) if not any(explains(reason, finding) for finding in found)]
    assert all(len(why.split()) > 5 for why in reasons.values())


def test_the_rules_see_what_is_wrong(tmp_path):
    """An open bucket in a template of its own is found."""
    template = {"Resources": {"Open": {"Type": "AWS::S3::Bucket"}}}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Bad.template.json").write_text(json.dumps(template))
    rules = {rule for _, _, rule in findings(tmp_path / "out", tmp_path / "nag")}
    assert {"S1", "S10"} <= rules
