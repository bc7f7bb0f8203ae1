"""Each way in which a training's state machine ends but for the good one, reached by what fails; and that it is told.

The machine is the synthesized one of a stage with alarms; what its tasks call is scripted here, and real in
test_retraining.py.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.states import interpreter, payload, without_waits
from stacks.constructs.retraining_machine import FAILURES
from tests.stacks.retraining import PART, deployed, machine

ARCHIVE = "s3://bucket/model.tar.gz"


@pytest.fixture(scope="module")
def definition(tmp_path_factory):
    room = tmp_path_factory.mktemp("failures")
    return machine(deployed(room / "fovea", room / "out", "beta").part(PART))


class Scripted:
    """An account in which all goes well but for what is `broken`: a call, a function, or a job."""

    def __init__(self, broken: set[str], verdict: str = "deploy", status: str = "UPDATE_COMPLETE", alarms=()) -> None:
        self.broken, self.verdict, self.status, self.alarms = broken, verdict, status, alarms
        self.told: list[Mapping[str, Any]] = []
        self.updates: list[str] = []

    def bound(self) -> Iterator[tuple[str, Any]]:
        calls = {
            "ecr:DescribeImages": lambda _: {"ImageDetails": [{"ImageDigest": "sha256:0"}]},
            "cloudformation:DescribeStacks": self._stack,
            "cloudformation:UpdateStack": self._update,
            "cloudwatch:DescribeAlarms": lambda _: {"MetricAlarms": [{"AlarmName": name} for name in self.alarms]},
            "sagemaker:CreateTrainingJob": lambda _: {"TrainingJobArn": "arn"},
            "sagemaker:DescribeTrainingJob": lambda asked: self._job("TrainingJob", asked),
            "sagemaker:CreateProcessingJob": lambda _: {"ProcessingJobArn": "arn"},
            "sagemaker:DescribeProcessingJob": lambda asked: self._job("ProcessingJob", asked),
            "sagemaker:CreateModelPackage": lambda _: {"ModelPackageArn": "arn:aws:sagemaker:::model-package/cats/1"},
            "sagemaker:UpdateModelPackage": lambda _: {"ModelPackageArn": "arn:aws:sagemaker:::model-package/cats/1"},
            "lambda:Invoke": self._invoke,
        }
        for name, call in calls.items():
            yield name, self._refused if name in self.broken else call

    def _refused(self, _asked):
        said = {"Error": {"Code": "Refused", "Message": "AWS says no"}, "ResponseMetadata": {}}
        said["ResponseMetadata"] = {"HTTPStatusCode": 400, "RequestId": "1"}
        raise ClientError(said, "Call")

    def _stack(self, _asked):
        outputs = [{"OutputKey": "ServedArchive", "OutputValue": "s3://assets/own.gz"}]
        parameters = [{"ParameterKey": "ModelArchive", "ParameterValue": "s3://deployed"}]
        return {"Stacks": [{"StackStatus": self.status, "Outputs": outputs, "Parameters": parameters}]}

    def _update(self, asked):
        self.updates.append(asked["Parameters"][0]["ParameterValue"])
        if len(self.updates) == 2 and "the way back" in self.broken:
            self._refused(asked)
        return {"StackId": "1"}

    def _job(self, kind: str, asked):
        failed = kind in self.broken
        why = {"FailureReason": f"AlgorithmError: the {kind} says why"} if failed else {}
        made = {"ModelArtifacts": {"S3ModelArtifacts": ARCHIVE}}
        return {**asked, **why, **made, f"{kind}Status": "Failed" if failed else "Completed"}

    def _invoke(self, asked):
        given = json.loads(asked["Payload"])
        name = next(name for name in ("Inventory", "Gate", "Tell", "Smoke") if name in asked["FunctionName"])
        if name == "Tell":
            self.told.append(given)
            name = given["kind"]
        if name in self.broken:
            return payload(None, {"errorType": "Broken", "errorMessage": f"{name} is broken"})
        answers = {
            "Inventory": {"uri": "s3://bucket/data/", "sha256": "0", "objects": 1, "bytes": 1},
            "Gate": {"outcome": self.verdict, "reason": "f1 is 0.9.", "metrics": {"metric:f1": "0.9"}},
            "Smoke": {"asked": []},
        }
        return payload(answers.get(name, {"Cause": f"told of {given.get('state')}"}))


CASES = {
    "data": ("DataUnusable", Scripted({"Inventory"})),
    "image": ("ImageMissing", Scripted({"ecr:DescribeImages"})),
    "stack": ("ModelNotDeployed", Scripted({"cloudformation:DescribeStacks"})),
    "training": ("TrainingFailed", Scripted({"TrainingJob"})),
    "evaluation": ("EvaluationFailed", Scripted({"ProcessingJob"})),
    "gate": ("GateFailed", Scripted({"Gate"})),
    "worse": ("CandidateWorse", Scripted(set(), verdict="halt")),
    "registry": ("RegistrationFailed", Scripted({"sagemaker:CreateModelPackage"})),
    "registry's approval": ("RegistrationFailed", Scripted({"sagemaker:UpdateModelPackage"})),
    "asking": ("ApprovalFailed", Scripted({"asked"}, verdict="approve")),
    "update": ("UpdateFailed", Scripted({"cloudformation:UpdateStack"})),
    "update called off": ("UpdateFailed", Scripted(set(), status="UPDATE_ROLLBACK_COMPLETE")),
    "smoke": ("SmokeTestFailed", Scripted({"Smoke"})),
    "alarm": ("AlarmRaised", Scripted(set(), alarms=["fovea-beta-cat-breeds-gpu-failing"])),
    "watch": ("WatchFailed", Scripted({"cloudwatch:DescribeAlarms"})),
    "way back": ("RollbackFailed", Scripted({"Smoke", "the way back"})),
}
ROLLED_BACK = {"smoke", "alarm", "way back"}


@pytest.mark.parametrize("case", CASES)
def test_ends_in_its_own_name_and_tells_it(definition, case):
    end, account = CASES[case]
    with interpreter(dict(account.bound())) as moto:
        execution = moto.start("failures", without_waits(definition, approval_s=20))
        ended = execution.ended()
        assert (ended["status"], ended["error"]) == ("FAILED", end), execution.entered()
        assert execution.entered()[-2:] == [f"Tell{end}", end]
    assert ended["cause"] == f"told of {end}"
    assert (account.told[-1]["state"], account.told[-1]["said"]) == (end, FAILURES[end])
    assert account.told[-1]["run"].startswith("fovea-beta-cat-breeds-")
    if case in ROLLED_BACK:
        assert account.updates == [ARCHIVE, "s3://deployed"]


def test_these_are_all_ends_but_those_of_a_person():
    assert {end for end, _ in CASES.values()} == set(FAILURES) - {"ApprovalRejected", "ApprovalTimedOut"}


def test_it_ends_in_its_own_name_where_nobody_can_be_told(definition):
    account = Scripted({"Gate", "failed"})
    with interpreter(dict(account.bound())) as moto:
        ended = moto.start("untold", without_waits(definition, approval_s=20)).ended()
    assert ended["error"] == "GateFailed"
    assert "failed is broken" in ended["cause"]


def test_what_goes_well_is_told_too(definition):
    account = Scripted(set())
    with interpreter(dict(account.bound())) as moto:
        execution = moto.start("good", without_waits(definition, approval_s=20))
        assert execution.ended()["status"] == "SUCCEEDED", execution.entered()
        assert execution.entered()[-2:] == ["TellDeployed", "Deployed"]
    assert [told["kind"] for told in account.told] == ["deployed"]


def test_a_call_that_aws_would_refuse_is_an_error(definition):
    """A misspelt parameter does not pass for one."""
    states = json.loads(json.dumps(definition["States"]).replace("UsePreviousTemplate", "UsePreviousTemplates"))
    account = Scripted(set())
    with interpreter(dict(account.bound())) as moto:
        misspelt = without_waits({**definition, "States": states}, approval_s=20)
        assert moto.start("misspelt", misspelt).ended()["error"] == "UpdateFailed"
    assert 'Unknown parameter in input: "UsePreviousTemplates"' in account.told[-1]["input"]["failure"]["Cause"]
